import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type Failure, type Outcome } from '../../api/attempt.ts';
import { mayPoll } from '../session.ts';

/** What was read last, and whether that is of now. */
export interface Polled<Data> {
  /** null before the first answer. It stays while no answer comes, and is stale then. */
  readonly data: Data | null;
  readonly failure: Failure | null;
  /** Since when there is no answer, ms since the Unix epoch; null while answers come. */
  readonly lostSince: number | null;
}

/** Asks again some time after each answer, while the page is looked at. */
export function usePoll<Data>(load: () => Promise<Outcome<Data>>, everyMs: number): Polled<Data> {
  const polled = useSignal<Polled<Data>>({ data: null, failure: null, lostSince: null });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const ask = async (): Promise<void> => {
      const outcome = mayPoll() ? await load() : null;
      if (isGone) return;
      const { data, lostSince } = polled.value;
      if (outcome?.ok === true) {
        polled.value = { data: outcome.data, failure: null, lostSince: null };
      } else if (outcome !== null) {
        polled.value = { data, failure: outcome.failure, lostSince: lostSince ?? Date.now() };
      }
      timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
    // `load` is made by each rendering; it asks for the same.
  }, []);
  return polled.value;
}
