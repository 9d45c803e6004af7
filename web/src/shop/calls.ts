import { api, type Problem, type Schemas } from '../api/client.ts';
import { type Answer, type OwnClaim } from './claim-steps.ts';
import { type Status } from './claim-run.ts';

/** For whom the page claims. */
export type Who =
  /** With `IDENTITY=open`: whoever says so. */
  | { readonly kind: 'name'; readonly userId: string }
  /** With `IDENTITY=jwt`: the user of the token. */
  | { readonly kind: 'token'; readonly token: string };

/** An answer that takes longer is as good as none, ms: the claim is asked again with the same key. */
export const PATIENCE_MS = 12_000;

export const userOf = (who: Who): string => (who.kind === 'name' ? who.userId : 'me');

export const headersOf = (who: Who): Record<string, string> =>
  who.kind === 'token' ? { authorization: `Bearer ${who.token}` } : {};

/** The service's answer, or null where none came. */
async function ask<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  try {
    return await call(AbortSignal.timeout(PATIENCE_MS));
  } catch {
    return null;
  }
}

export function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

export function answerOf(response: Response, problem: unknown): Answer {
  const { code, final, claim } = (problem ?? {}) as Partial<Problem> & { final?: boolean; claim?: OwnClaim };
  return { status: response.status, code, final, claim, retryAfter: retryAfterOf(response) };
}

/** One request for a coupon. */
export async function claimCoupon(
  campaignId: string,
  who: Who,
  key: string,
  entryToken: string | null,
): Promise<Answer> {
  const entry: Record<string, string> = entryToken === null ? {} : { 'x-entry-token': entryToken };
  const answer = await ask((signal) =>
    api.POST('/api/coupons/apply', {
      // With a token, the token says who.
      body: { campaignId, ...(who.kind === 'name' ? { userId: who.userId } : {}) } as Schemas['Application'],
      headers: { ...headersOf(who), ...entry, 'idempotency-key': key },
      signal,
    }),
  );
  if (answer === null) return { status: null };
  const { data, error, response } = answer;
  if (data === undefined) return answerOf(response, error);
  const { claimId, sequence, claimedAt } = data;
  return { status: response.status, claim: { claimId, sequence, claimedAt } };
}

/** What became of a claim. With a name, the claim's id proves whose it is. */
export async function statusOf(campaignId: string, who: Who, claim: OwnClaim | null): Promise<Status> {
  const proof: Record<string, string> = claim?.claimId === undefined ? {} : { 'x-claim-id': claim.claimId };
  const answer = await ask((signal) =>
    api.GET('/api/campaigns/{campaignId}/claims/{userId}', {
      params: { path: { campaignId, userId: userOf(who) } },
      headers: { ...headersOf(who), ...proof },
      signal,
    }),
  );
  if (answer === null) return { kind: 'unknown' };
  const { data, error, response } = answer;
  if (data === undefined) {
    const { code } = answerOf(response, error);
    if (code === 'claim-not-found') return { kind: 'absent' };
    if (code === 'unauthorized') return { kind: 'signed-out' };
    return { kind: 'unknown', retryAfter: retryAfterOf(response) };
  }
  const { status, claimId, sequence, claimedAt, issuedAt, code } = data;
  const own: OwnClaim = { claimId, sequence, claimedAt };
  if (status !== 'ISSUED') return { kind: status, claim: own };
  return { kind: status, claim: own, code: code ?? null, issuedAt: issuedAt ?? claimedAt };
}
