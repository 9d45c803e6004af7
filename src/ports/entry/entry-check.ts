/** Why a claim needs an entry token that the caller has not shown. */
export type EntryFault =
  /** There is none. */
  | 'missing'
  /** It is forged, or for another user, campaign or challenge. */
  | 'invalid'
  /** It is good from a later instant on. */
  | 'not-yet-valid'
  | 'expired';

/** `unknown`: this process has not yet read which campaigns require an entry. */
export type EntryVerdict = 'admitted' | 'unknown' | EntryFault;

/** Decides before the gate whether a claim may go on. It is asked for every claim. */
export abstract class EntryCheck {
  /**
   * Answers from memory: no promise, no server, and for a campaign without entry no more than a look-up.
   * @param token the header X-Entry-Token.
   */
  abstract judge(campaignId: string, userId: string, token: string | undefined): EntryVerdict;
}
