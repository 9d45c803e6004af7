import { locale } from '../../shared/language.ts';

/** An instant to the millisecond, in the operator's own time zone: among claims of one second the order counts. */
export function ExactTime({ at }: { readonly at: string }) {
  const shown = new Intl.DateTimeFormat(locale.value, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  });
  return (
    <time dateTime={at} title={at}>
      {shown.format(new Date(at))}
    </time>
  );
}
