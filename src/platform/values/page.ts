/** A page of a list. `next` is the position of its last row; null when no page follows. */
export interface Page<Row, Position> {
  readonly rows: readonly Row[];
  readonly next: Position | null;
}

/**
 * @param found the page's rows, and one more if other rows follow.
 * @param positionOf the position of a row in the list, from which the next page can go on.
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
