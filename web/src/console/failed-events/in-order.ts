import { type Outcome } from '../../api/attempt.ts';
import { type ListPage } from '../parts/use-pages.ts';
import { type FailedEvent, type Status } from './words.ts';

/** What is not finished, dead ones first: they need an operator, and the others go on by themselves. */
export const UNFINISHED = ['DEAD', 'PENDING', 'PUBLISHING', 'REPUBLISHED'] as const satisfies readonly Status[];

type Load = (status: Status, cursor: string | undefined) => Promise<Outcome<ListPage<FailedEvent>>>;

/**
 * Reads the lists of several states one behind the other, as if they were one. Its cursor is `STATE` or `STATE cursor`.
 *
 * A page may be empty only at the end: a state without rows is passed over.
 */
export async function loadInOrder(
  statuses: readonly Status[],
  load: Load,
  cursor: string | undefined,
): Promise<Outcome<ListPage<FailedEvent>>> {
  const [from, after] = cursor?.split(' ') ?? [];
  let at = Math.max(0, statuses.indexOf(from as Status));
  let within = after;
  for (;;) {
    const status = statuses[at];
    if (status === undefined) throw new Error('no status to load');
    const page = await load(status, within);
    if (!page.ok) return page;
    const { items, nextCursor } = page.data;
    const following = statuses[at + 1];
    if (items.length > 0 || nextCursor !== null || following === undefined) {
      const next = nextCursor === null ? (following ?? null) : `${status} ${nextCursor}`;
      return { ...page, data: { items, nextCursor: next } };
    }
    at += 1;
    within = undefined;
  }
}
