import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { codeOf, type Failure } from '../../api/attempt.ts';
import { mayPoll } from '../session.ts';
import { type Campaign, findCampaign } from './campaign.ts';

/** How often the terms are read again, ms: somebody else may change them. */
const REFRESH_MS = 5_000;

export interface CampaignRead {
  /** As it was read last; null before the first answer. */
  readonly campaign: Campaign | null;
  /** Why it could not be read the last time. */
  readonly failure: Failure | null;
  readonly isMissing: boolean;
  readonly reload: () => Promise<void>;
}

/** One campaign, which is read again every few seconds. */
export function useCampaign(id: string): CampaignRead {
  const campaign = useSignal<Campaign | null>(null);
  const failure = useSignal<Failure | null>(null);
  const round = useRef(0);
  const reload = async (): Promise<void> => {
    const mine = ++round.current;
    const outcome = await findCampaign(id);
    // A slow answer must not replace a later one.
    if (mine !== round.current) return;
    failure.value = outcome.ok ? null : outcome.failure;
    if (outcome.ok) campaign.value = outcome.data;
  };
  // Before the browser paints: a click must not act on the campaign of the address before.
  useLayoutEffect(() => {
    campaign.value = null;
    void reload();
    const timer = setInterval(() => {
      if (mayPoll()) void reload();
    }, REFRESH_MS);
    return () => {
      clearInterval(timer);
      round.current += 1;
    };
  }, [id]);
  return {
    campaign: campaign.value,
    failure: failure.value,
    isMissing: codeOf(failure.value) === 'campaign-not-found',
    reload,
  };
}
