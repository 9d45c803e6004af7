import { type ChallengeKind } from '../../domain/campaign.js';
import { type InstallationKey } from '../database/installation-key-store.js';

/** A challenge that there is something to pass. */
export type PosedChallenge = Exclude<ChallengeKind, 'none'>;

/** The installation's keys for entries: the newest signs, all of them verify. */
export interface EntryKeys {
  /** null before they were first read. */
  readonly signing: InstallationKey | null;
  find(id: string): InstallationKey | undefined;
}

/** For whom a challenge is. An answer to it counts for this user in this campaign only. */
export interface ChallengeQuestion {
  readonly campaignId: string;
  readonly userId: string;
  /** The campaign's `challengeCost`. */
  readonly cost: number;
  /** For a verifier that signs what it hands out. */
  readonly keys: EntryKeys;
}

/** `unavailable`: nobody can say right now, because the service that judges does not answer, or refuses this installation. */
export type ChallengeVerdict = 'passed' | 'failed' | 'unavailable';

/**
 * Too many answers wait to be judged, or the service that judges limits this installation. It is no `unavailable`: with
 * CHALLENGE_FAIL=open, callers who send a flood of wrong answers would be let in.
 */
export class ChallengeBusyError extends Error {
  override readonly name = 'ChallengeBusyError';
  readonly problemCode = 'busy';
}

/** One kind of challenge. It keeps nothing between the two calls, so any process may get the answer. */
export abstract class ChallengeVerifier {
  /** What the caller's page needs to pass it: members of the answer, in JSON. */
  abstract pose(question: ChallengeQuestion): Promise<Readonly<Record<string, unknown>>>;

  /**
   * Never rejects because of an answer, whatever it holds.
   * @throws ChallengeBusyError
   */
  abstract verify(question: ChallengeQuestion, answer: string): Promise<ChallengeVerdict>;
}

/** The verifiers that this installation has. */
export abstract class ChallengeVerifiers {
  /** undefined: it is not configured. */
  abstract of(kind: PosedChallenge): ChallengeVerifier | undefined;
}
