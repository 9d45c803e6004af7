/** One step of a JSON pointer, the slash before it included (RFC 6901 §3). */
export function pointerStep(step: string | number): string {
  return `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
