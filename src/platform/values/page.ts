/** A page of a list. `next` is where the page after it begins; null on the last one. */
export interface Page<Row, Position> {
  readonly rows: readonly Row[];
  readonly next: Position | null;
}

/**
 * @param found the page's rows, and one more where others follow.
 * @param positionOf where a page ended, of its last row.
 */
export function pageOf<Row, Position>(
  found: readonly Row[],
  limit: number,
  positionOf: (row: Row) => Position,
): Page<Row, Position> {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last !== undefined ? positionOf(last) : null };
}
