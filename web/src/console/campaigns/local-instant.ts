/** What `<input type="datetime-local">` holds, and the instants of the API. */

/**
 * `2026-12-01T12:00` in the operator's zone → `2026-12-01T12:00:00+09:00`, with the offset that holds there on that day.
 * @returns null for an empty input.
 */
export function instantOfInput(text: string): string | null {
  if (text === '') return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : inputOf(date) + offsetOf(date);
}

/** An instant of the API as the input shows it, without seconds where they are 0; '' for none. */
export function inputOfInstant(iso: string | null): string {
  return iso === null ? '' : inputOf(new Date(iso)).replace(/:00$/, '');
}

/** The step of an input that was opened with this value, s: minutes, unless the value has seconds. */
export function stepOf(value: string): 1 | 60 {
  return /T\d\d:\d\d:/.test(value) ? 1 : 60;
}

/** `+09:00` */
export function offsetOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
}

/** Such as `Asia/Seoul`. */
export function zoneName(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function inputOf(date: Date): string {
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
