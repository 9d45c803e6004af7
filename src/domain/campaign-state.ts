import { type Campaign } from '../ports/database/campaign-store.js';

/** What callers see. SCHEDULED and ENDED come from the window: `startsAt <= now < endsAt` is OPEN. */
export type CampaignState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED' | 'ENDED';

/** @param now ms, on the gate's clock, which is the one that decides about claims. */
export function stateAt({ state, startsAt, endsAt }: Campaign, now: number): CampaignState {
  if (state !== 'OPEN') return state;
  if (now < startsAt) return 'SCHEDULED';
  return endsAt !== null && now >= endsAt ? 'ENDED' : 'OPEN';
}
