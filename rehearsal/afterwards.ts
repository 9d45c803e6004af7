import { type HeardCall, NO_ANSWER } from '../oracle/told.js';
import { claimIn, wordOf } from './load/answer.js';
import { type RecordedCall } from './load/call-records.js';
import { now } from './load/clock.js';
import { type ServiceApi } from './service-api.js';

/** So many new users at a time buy what was left over. */
const LATE_USERS = 20;
/** So many winners, and so many others, ask once more. */
const ASK_AGAIN = 20;
const BETWEEN_ROUNDS_MS = 250;

/** The calls of one rehearsal after its load. */
export interface LastCalls {
  readonly api: ServiceApi;
  readonly campaignId: string;
  readonly userPrefix: string;
  /** The calls so far. */
  readonly calls: readonly RecordedCall[];
  readonly stop: AbortSignal;
}

/**
 * New users ask until the campaign is sold out: a slot whose claim was never promised comes free again, and somebody
 * has to ask for it.
 */
export async function buyTheRest(last: LastCalls, withinMs: number): Promise<RecordedCall[]> {
  const made: RecordedCall[] = [];
  const deadline = performance.now() + withinMs;
  for (let round = 0; performance.now() < deadline && !last.stop.aborted; round++) {
    const users = Array.from({ length: LATE_USERS }, (_, n) => `${last.userPrefix}late-${round}-${n}`);
    const calls = await Promise.all(users.map((user) => press(last, user)));
    made.push(...calls);
    if (calls.every(({ word }) => word === '409 sold-out') && isSoldOut(calls)) break;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_ROUNDS_MS));
  }
  return made;
}

/** Winners have to hear of their claims, and those who were told so that all is sold. */
export async function askAgain(last: LastCalls): Promise<RecordedCall[]> {
  const some = (word: string) => {
    const users = last.calls.filter((call) => call.word === word).map(({ userId }) => userId);
    const step = Math.max(1, Math.floor(users.length / ASK_AGAIN));
    return users.filter((_, index) => index % step === 0).slice(0, ASK_AGAIN);
  };
  return Promise.all([...some('202'), ...some('409 sold-out')].map((user) => press(last, user)));
}

async function press({ api, campaignId }: LastCalls, userId: string): Promise<RecordedCall> {
  const at = now();
  const answer = await api.apply(campaignId, userId).catch(() => null);
  const call = { userId, at, due: at, ms: now() - at, manner: 'other-tab' } as const;
  if (answer === null) return { ...call, word: NO_ANSWER };
  const read = { status: answer.status, body: answer.text };
  const word = wordOf(read);
  const claim = word === '202' || word === '409 already-claimed' ? claimIn(read) : undefined;
  return {
    ...call,
    word,
    ...(claim === undefined ? {} : { claim }),
    ...(word === '409 sold-out' && read.body.includes('"final":true') ? { final: true } : {}),
  };
}

/** True if somebody was told that all is sold, and that no slot can come free any more. */
export function isSoldOut(calls: readonly Pick<HeardCall, 'final'>[]): boolean {
  return calls.some(({ final }) => final === true);
}
