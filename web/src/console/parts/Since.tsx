import { locale, type Text, text } from '../../shared/language.ts';

interface SinceProps {
  /** ms since the Unix epoch, by the clock of this device. */
  readonly at: number;
  /** `{t}` becomes the time of the day: `{ ko: '{t}부터 연결 끊김', en: 'connection lost since {t}' }`. */
  readonly of: Text;
  readonly parts?: Readonly<Record<string, string | number>>;
}

/** Since when something is so, as a time of the day. */
export function Since({ at, of, parts = {} }: SinceProps) {
  const time = new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium', hourCycle: 'h23' }).format(at);
  return <time dateTime={new Date(at).toISOString()}>{text(of, { ...parts, t: time })}</time>;
}
