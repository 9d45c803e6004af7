import { z } from 'zod';
import { type Page } from '../../values/page.js';
import { type KeysetCursor } from '../input/schemas.js';

/** An instant in an answer: ISO 8601. */
export const isoInstant = z.iso.datetime();

/** A page of a list in an answer. {@link pageJson} writes it. */
export function pageJsonSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  });
}

export function pageJson<Row, Position, Item>(
  { rows, next }: Page<Row, Position>,
  itemJson: (row: Row) => Item,
  cursor: KeysetCursor<Position>,
): { items: Item[]; nextCursor: string | null } {
  return { items: rows.map(itemJson), nextCursor: next === null ? null : cursor.encode(next) };
}
