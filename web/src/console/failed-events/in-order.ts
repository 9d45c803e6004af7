import { type Outcome } from '../../api/attempt.ts';
import { type ListPage } from '../parts/use-pages.ts';
import { type FailedEvent, type Status } from './words.ts';

/** What is not finished, dead ones first: they need an operator, and the others go on by themselves. */
export const UNFINISHED = ['DEAD', 'PENDING', 'PUBLISHING', 'REPUBLISHED'] as const satisfies readonly Status[];

type Load = (status: Status, cursor: string | undefined) => Promise<Outcome<ListPage<FailedEvent>>>;

/**
 * Reads the lists of several states one behind the other, as if they were one. Its cursor is the state and that state's
 * cursor. A list that ends is followed by the next one at once, so that "there are more" is true when it is said.
 */
export async function loadInOrder(
  statuses: readonly Status[],
  load: Load,
  cursor: string | undefined,
): Promise<Outcome<ListPage<FailedEvent>>> {
  const [from, within] = cursor?.split(' ') ?? [];
  let after = within;
  const items: FailedEvent[] = [];
  let last: Outcome<ListPage<FailedEvent>> | undefined;
  for (const status of statuses.slice(Math.max(0, statuses.indexOf(from as Status)))) {
    last = await load(status, after);
    if (!last.ok) return last;
    items.push(...last.data.items);
    const { nextCursor } = last.data;
    if (nextCursor !== null) return { ...last, data: { items, nextCursor: `${status} ${nextCursor}` } };
    after = undefined;
  }
  if (last?.ok !== true) throw new Error('no status to load');
  return { ...last, data: { items, nextCursor: null } };
}
