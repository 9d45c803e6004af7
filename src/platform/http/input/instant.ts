import { type InputRuleName } from './input-rules.js';

const FORM =
  /^(?<year>[+-]?\d{4,6})-(?<month>\d\d)-(?<day>\d\d)T(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d+))?)?(?<zone>Z|(?<sign>[+-])(?<zoneHour>\d\d):(?<zoneMinute>\d\d))?$/;

const FIRST_YEAR = 1970;
const LAST_YEAR = 9999;
const MINUTE_MS = 60_000;

/**
 * Reads an ISO 8601 instant with a time zone as ms since 1970, or returns the rule that it breaks. Seconds may be left
 * out. Fractions below a millisecond are cut off, because the database keeps milliseconds. Years outside 1970 … 9999
 * are refused, because not every column can hold them.
 */
export function readInstant(text: string): number | InputRuleName {
  const parts = FORM.exec(text)?.groups;
  if (parts === undefined) return 'instant';

  const number = (name: string): number => Number(parts[name] ?? 0);
  const [year, month, day] = [number('year'), number('month'), number('day')];
  // The last hours of 1969 in a time zone can be 1970 in UTC.
  if (year < FIRST_YEAR - 1) return 'instant-too-early';

  if (year > LAST_YEAR) return 'instant-too-late';

  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return 'instant-day';

  const [hour, minute, second] = [number('hour'), number('minute'), number('second')];
  if (hour > 23 || minute > 59 || second > 59) return 'instant-time';

  if (parts['zone'] === undefined) return 'instant-zone';

  const [zoneHour, zoneMinute] = [number('zoneHour'), number('zoneMinute')];
  if (zoneHour > 23 || zoneMinute > 59) return 'instant-offset';

  const offset = (parts['sign'] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute) * MINUTE_MS;
  const fraction = Number((parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0'));
  const ms = Date.UTC(year, month - 1, day, hour, minute, second, fraction) - offset;
  if (ms < 0) return 'instant-too-early';

  return ms < Date.UTC(LAST_YEAR + 1, 0) ? ms : 'instant-too-late';
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

const LEAP_YEAR = '(?:19(?:7[26]|8[048]|9[26])|[2-9]\\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[3579][26])00)';
const DAY =
  `(?:(?:19[7-9]\\d|[2-9]\\d{3})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|` +
  `(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d';

/**
 * What {@link readInstant} accepts, for the API document. The pattern checks the year as it is written; at both ends of
 * the range, {@link readInstant} also counts the time zone.
 */
export const INSTANT_PATTERN = `^${DAY}T${TIME}(?::[0-5]\\d(?:\\.\\d+)?)?(?:Z|[+-]${TIME})$`;
