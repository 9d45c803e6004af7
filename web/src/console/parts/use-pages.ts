import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Failure, type Outcome } from '../../api/attempt.ts';

/** One answer of a list of the API. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** A list as far as it was read. */
export interface Listed<Item> {
  /** null before the first answer. */
  readonly items: readonly Item[] | null;
  readonly isLoading: boolean;
  readonly failure: Failure | null;
  /** Reads the next page; null on the last one. */
  readonly more: (() => void) | null;
  /** Reads it from its beginning. What is shown stays until the answer is there. */
  readonly reload: () => void;
}

/**
 * Reads a list page by page.
 * @param load one page: `(cursor) => attempt(api.GET('/api/campaigns', { params: { query: { cursor } } }))`.
 * @param by what the list depends on, such as filters: when it changes, the list is read from its beginning.
 */
export function usePages<Item>(
  load: (cursor: string | undefined) => Promise<Outcome<ListPage<Item>>>,
  by: readonly unknown[],
): Listed<Item> {
  const items = useSignal<readonly Item[] | null>(null);
  const next = useSignal<string | null>(null);
  const isLoading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const round = useRef(0);
  const read = async (cursor?: string): Promise<void> => {
    const mine = ++round.current;
    isLoading.value = true;
    const outcome = await load(cursor);
    // The answer to a question that was asked before the last one.
    if (mine !== round.current) return;
    isLoading.value = false;
    failure.value = outcome.ok ? null : outcome.failure;
    if (!outcome.ok) {
      // What was refused as a whole has no rows: those of the filters before would pass for its answer.
      if (outcome.failure.kind === 'refused' && outcome.failure.problem.status === 400 && cursor === undefined) {
        items.value = null;
        next.value = null;
      }
      return;
    }
    const { items: read, nextCursor } = outcome.data;
    items.value = cursor === undefined ? read : [...(items.value ?? []), ...read];
    next.value = nextCursor;
  };
  // Before the browser paints: the next page of the old list must not be asked for with new filters.
  useLayoutEffect(() => {
    void read();
    return () => void (round.current += 1);
    // `load` is made by each rendering, and depends on `by` alone.
  }, by);
  const cursor = next.value;
  return {
    items: items.value,
    isLoading: isLoading.value,
    failure: failure.value,
    more: cursor === null ? null : () => void read(cursor),
    reload: () => void read(),
  };
}
