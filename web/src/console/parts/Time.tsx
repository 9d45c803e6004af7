import { locale } from '../../shared/language.ts';

/** An instant in the operator's own time zone, which is named. The exact instant is in the title. */
export function Time({ at }: { readonly at: string | number }) {
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {zonedInstant(date)}
    </time>
  );
}

/** `2026-12-01 12:00:00 GMT+9`, as the page's language writes it. */
export function zonedInstant(date: Date): string {
  return new Intl.DateTimeFormat(locale.value, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(date);
}
