import { type Language } from '../../shared/language.ts';

const LOCALES: Readonly<Record<Language, string>> = { ko: 'ko-KR', en: 'en-US' };

/** How the instants of one story are written. */
export interface StoryClock {
  /** The day, when all of the story is of one day; otherwise each instant has its own. */
  readonly day: string | null;
  /** An instant to the millisecond, such as 12:00:00.184. @param instant ISO 8601. */
  at(instant: string): string;
}

/**
 * Who was faster is often decided within a second, so instants are written to the millisecond.
 *
 * @param zone a time zone of IANA, such as Asia/Seoul.
 */
export function storyClock(instants: readonly string[], language: Language, zone: string): StoryClock {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const written = new Intl.DateTimeFormat(LOCALES[language], { ...options, timeZone: zone });
    return (instant: string): string => written.format(new Date(instant));
  };
  const day = format({ year: 'numeric', month: 'long', day: 'numeric' });
  const shortDay = format({ month: 'short', day: 'numeric' });
  const time = format({
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  });
  const days = new Set(instants.map(day));
  const [only] = days;
  return days.size === 1 && only !== undefined
    ? { day: only, at: time }
    : { day: null, at: (instant) => `${shortDay(instant)} ${time(instant)}` };
}

/** `184 ms`, `2.4 s`, `3 min 5 s`, `2 h 3 min`, `4 d 6 h`; in Korean with its own units. */
export function duration(ms: number, language: Language): string {
  const [second, minute, hour, day] = language === 'ko' ? ['초', '분', '시간', '일'] : [' s', ' min', ' h', ' d'];
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10}${second}`;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const two = (whole: number, unit: string | undefined, rest: number, smaller: string | undefined) =>
    rest === 0 ? `${whole}${unit}` : `${whole}${unit} ${rest}${smaller}`;
  if (minutes < 60) return two(minutes, minute, seconds % 60, second);
  if (hours < 24) return two(hours, hour, minutes % 60, minute);
  return two(Math.floor(hours / 24), day, hours % 24, hour);
}
