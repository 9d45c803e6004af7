/** Filters of a list, as the address of the page has them. */
export type Filters<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** Those of the address that the list knows. */
export function filtersIn<Name extends string>(
  names: readonly Name[],
  query: Readonly<Record<string, string | undefined>>,
): Filters<Name> {
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = query[name]?.trim();
    if (value !== undefined && value !== '') filters[name] = value;
  }
  return filters;
}

/** `addressOf('/console/audit', { actor: 'bootstrap' })` is `/console/audit?actor=bootstrap`. */
export function addressOf(path: string, filters: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(filters).filter((pair): pair is [string, string] => (pair[1] ?? '') !== '');
  const query = new URLSearchParams(said).toString();
  return query === '' ? path : `${path}?${query}`;
}

/** An instant as an `<input type="datetime-local">` has it, in the operator's time zone; '' for what is no instant. */
export function localOf(instant: string | undefined): string {
  const at = new Date(instant ?? '');
  if (Number.isNaN(at.getTime())) return '';
  // The text of an instant in UTC, moved by the zone's offset, reads like the local time.
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
}

/** The reverse of {@link localOf}, in ISO 8601 with a time zone; '' for an empty input. */
export function instantOf(local: string): string {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}
