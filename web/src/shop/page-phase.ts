/** What the page says of a campaign. `unknown`: nothing was read yet. */
export type Phase =
  'unknown' | 'missing' | 'scheduled' | 'open' | 'reserved' | 'sold-out' | 'paused' | 'closed' | 'ended';

/** What the phase depends on. */
export interface CampaignFacts {
  readonly state: 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED' | 'ENDED';
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly remaining: number | null;
  readonly soldOutAt: string | null;
}

/**
 * The phase at an instant of the service's clock. The campaign may have been read before it started or ended: then the
 * clock says more than the state that was read.
 *
 * @param campaign undefined: not read yet; null: there is none.
 * @param surely the instant that the service has surely reached, ms; null while its clock is not known.
 */
export function phaseOf(campaign: CampaignFacts | null | undefined, surely: number | null): Phase {
  if (campaign === undefined) return 'unknown';
  if (campaign === null) return 'missing';
  const { state, remaining, soldOutAt } = campaign;
  if (state === 'CLOSED') return 'closed';
  if (state === 'ENDED' || (campaign.endsAt !== null && surely !== null && surely >= Date.parse(campaign.endsAt))) {
    return 'ended';
  }
  // Without the clock the page opens by what the service said last, which is never early.
  const hasStarted = surely === null ? state !== 'SCHEDULED' : surely >= Date.parse(campaign.startsAt);
  if (state === 'PAUSED') return 'paused';
  if (!hasStarted) return 'scheduled';
  if (soldOutAt !== null) return 'sold-out';
  return remaining === 0 ? 'reserved' : 'open';
}

/** A span as the countdown shows it. @param ms what is left; the last second shows 1, and 0 is the start itself. */
export function partsOf(ms: number): { days: number; hours: number; minutes: number; seconds: number } {
  const all = Math.max(0, Math.ceil(ms / 1_000));
  return {
    days: Math.floor(all / 86_400),
    hours: Math.floor(all / 3_600) % 24,
    minutes: Math.floor(all / 60) % 60,
    seconds: all % 60,
  };
}

/**
 * When to look at the clock again, ms: at the next second, and at the start itself.
 * @param left until the start, ms.
 */
export function untilNextLook(left: number): number {
  if (left <= 0) return 1_000;
  const toSecond = left % 1_000;
  return toSecond === 0 ? Math.min(left, 1_000) : toSecond;
}

/** A last read before the start lies in this part of the last minute, ms before it: not all pages at once. */
const LAST_READ = { from: 60_000, to: 15_000 };

/**
 * How long to wait until the next read, ms.
 * @param isSeldom nobody looks, or the service says by itself what has changed.
 * @param random from 0 to 1.
 */
export function pauseBeforeRead(phase: Phase, left: number | null, isSeldom: boolean, random: number): number {
  const pause = untilNextRead(phase, left) * (1 + random * 0.4) * (isSeldom ? 10 : 1);
  if (phase !== 'scheduled' || left === null) return pause;
  // An operator may have moved the start, and a proxy may keep the samples back.
  const last = left - LAST_READ.to - random * (LAST_READ.from - LAST_READ.to);
  return last > 0 ? Math.min(pause, last) : pause;
}

/** When to ask for the campaign again, ms, before what is random is added. */
export function untilNextRead(phase: Phase, left: number | null): number {
  switch (phase) {
    case 'scheduled':
      // Nothing is asked in the last seconds: then everybody looks at the clock, and the service gets ready.
      if (left === null) return 5_000;
      if (left > 300_000) return 30_000;
      return left > 15_000 ? 10_000 : left + 1_000;
    case 'open':
    case 'reserved':
      return 3_000;
    case 'paused':
    case 'unknown':
      return 5_000;
    case 'missing':
    case 'sold-out':
    case 'closed':
    case 'ended':
      return 30_000;
  }
}
