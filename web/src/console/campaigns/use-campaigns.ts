import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Failure } from '../../api/attempt.ts';
import { type Listed } from '../parts/use-pages.ts';
import { mayPoll } from '../session.ts';
import { type Campaign, listCampaigns } from './campaign.ts';
import { RateMeter } from './rate-meter.ts';

/** Campaigns of one page of the list. */
const PAGE = 100;
/** The API gives no more at once. */
const MOST = 1_000;
/** How often what is shown is read again, ms; a long list less often. */
const REFRESH_MS = { short: 3_000, long: 15_000 };

export interface CampaignsList extends Listed<Campaign> {
  /** Slots taken per second, between the last two readings; null until there were two. */
  readonly rateOf: (campaign: Campaign) => number | null;
  /** When it was read last, ms. */
  readonly readAt: number | null;
  /** Since when it could not be read, ms: what is shown is of then. */
  readonly staleSince: number | null;
}

/**
 * The list of campaigns, which is read again every few seconds.
 * @param isWhole read all pages, because a filter looks through all of them.
 */
export function useCampaigns(isWhole: boolean): CampaignsList {
  const items = useSignal<readonly Campaign[] | null>(null);
  const next = useSignal<string | null>(null);
  const isLoading = useSignal(true);
  const failure = useSignal<Failure | null>(null);
  const readAt = useSignal<number | null>(null);
  const rates = useRef(new RateMeter()).current;
  const isBusy = useRef(false);
  /** How many more were asked for while another reading was under way. */
  const wanted = useRef<number | null>(null);

  const read = async (limit: number, cursor?: string): Promise<void> => {
    if (isBusy.current) {
      // A refresh that is left out comes again by itself. A page that was asked for does not.
      if (cursor !== undefined) wanted.current = limit;
      return;
    }
    isBusy.current = true;
    await readNow(limit, cursor);
    isBusy.current = false;
    const [more, after] = [wanted.current, next.value];
    wanted.current = null;
    if (more !== null && after !== null) await read(more, after);
  };
  const readNow = async (limit: number, cursor?: string): Promise<void> => {
    if (cursor !== undefined || items.value === null) isLoading.value = true;
    const outcome = await listCampaigns(limit, cursor);
    isLoading.value = false;
    failure.value = outcome.ok ? null : outcome.failure;
    if (!outcome.ok) return;
    const { items: found, nextCursor } = outcome.data;
    readAt.value = Date.now();
    for (const campaign of found) rates.observe(campaign, readAt.value);
    const shown = items.value ?? [];
    if (cursor !== undefined) {
      items.value = [...shown, ...found];
      next.value = nextCursor;
    } else {
      // What lies behind the campaigns that one call can give stays as it was read.
      const behind = shown.length > found.length && nextCursor !== null ? shown.slice(found.length) : [];
      items.value = [...found, ...behind];
      if (behind.length === 0) next.value = nextCursor;
    }
  };

  const count = items.value?.length ?? 0;
  const refresh = (): void => void read(Math.min(MOST, Math.max(PAGE, count)));
  const latest = useRef(refresh);
  latest.current = refresh;
  useEffect(() => {
    latest.current();
  }, []);
  useEffect(() => {
    const every = count <= PAGE ? REFRESH_MS.short : REFRESH_MS.long;
    const timer = setInterval(() => {
      if (mayPoll()) latest.current();
    }, every);
    return () => clearInterval(timer);
  }, [count <= PAGE]);

  const cursor = next.value;
  useEffect(() => {
    if (isWhole && cursor !== null) void read(MOST, cursor);
  }, [isWhole, cursor]);

  const isStale = failure.value !== null && items.value !== null;
  return {
    items: items.value,
    isLoading: isLoading.value,
    failure: failure.value,
    more: cursor === null ? null : () => void read(PAGE, cursor),
    reload: refresh,
    rateOf: ({ id }) => rates.of(id),
    readAt: readAt.value,
    staleSince: isStale ? readAt.value : null,
  };
}
