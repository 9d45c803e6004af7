import { type Failure } from '../../api/attempt.ts';

/** How many calls are under way at once: few, because claims share the service with them. */
const WIDTH = 4;

export type Done =
  | { readonly kind: 'done' }
  /** A second operator has to approve it, until this instant. */
  | { readonly kind: 'waits'; readonly until: string }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** How far a run of many calls is. */
export interface Progress {
  readonly total: number;
  readonly done: number;
  readonly waits: number;
  /** Until when those that wait can be approved: the first of them. */
  readonly waitsUntil: string | null;
  /** Code of the problem → how many items it was the answer for. */
  readonly refused: ReadonlyMap<string, number>;
  /** Why the rest was not tried; null: it goes on, or everything was tried. */
  readonly stopped: Failure | 'by-operator' | null;
}

/** Before the first call. */
export function nothingOf(total: number): Progress {
  return { total, done: 0, waits: 0, waitsUntil: null, refused: new Map(), stopped: null };
}

/** After one of these, each further call would hear the same. */
const ENDS_ALL: ReadonlySet<string> = new Set([
  'unauthorized',
  'role-not-allowed',
  'too-many-requests',
  'validation-failed',
]);

/**
 * Makes a call for each item, a few at once. A refusal of one item says nothing about the others; a service that does not
 * answer, or an operator who may not, ends the run.
 */
export async function runMany<Item>(
  items: readonly Item[],
  call: (item: Item) => Promise<Done>,
  report: (progress: Progress) => void,
  isStopped: () => boolean,
): Promise<Progress> {
  let progress = nothingOf(items.length);
  let next = 0;
  const advance = (change: Partial<Progress>): void => {
    progress = { ...progress, ...change };
    report(progress);
  };
  const work = async (): Promise<void> => {
    while (next < items.length && progress.stopped === null) {
      if (isStopped()) return advance({ stopped: 'by-operator' });
      const item = items[next++] as Item;
      const outcome = await call(item);
      if (outcome.kind === 'done') advance({ done: progress.done + 1 });
      else if (outcome.kind === 'waits') advance(waiting(progress, 1, outcome.until));
      else refuse(outcome.failure);
    }
  };
  const refuse = (failure: Failure): void => {
    const code = failure.kind === 'refused' ? failure.problem.code : 'unreachable';
    const refused = new Map(progress.refused);
    refused.set(code, (refused.get(code) ?? 0) + 1);
    const ends = failure.kind === 'unreachable' || failure.problem.status >= 500 || ENDS_ALL.has(code);
    advance({ refused, ...(ends && progress.stopped === null ? { stopped: failure } : {}) });
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, work));
  return progress;
}

/** What was asked for besides, and waits. */
export function waiting({ waits, waitsUntil }: Progress, more: number, until: string): Partial<Progress> {
  // Instants of one form: the earlier one comes first.
  return { waits: waits + more, waitsUntil: waitsUntil === null || until < waitsUntil ? until : waitsUntil };
}

/** How many have an answer. */
export function answered({ done, waits, refused }: Progress): number {
  let sum = done + waits;
  for (const count of refused.values()) sum += count;
  return sum;
}
