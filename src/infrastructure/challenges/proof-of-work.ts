import { createHmac } from 'node:crypto';
import { createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { z } from 'zod';
import { systemClock } from '../../platform/flow/clock.js';
import { type InstallationKey } from '../../ports/database/installation-key-store.js';
import {
  type ChallengeQuestion,
  type ChallengeVerdict,
  ChallengeVerifier,
} from '../../ports/entry/challenge-verifier.js';
import { JudgingQueue } from './judging-queue.js';

/**
 * Runs in the thread pool: neither a try nor its check holds the event loop. Every browser has it, so ALTCHA's widget
 * needs no further code.
 */
const ALGORITHM = 'PBKDF2/SHA-256';
/** One byte of the derived key has to be zero: 256 tries on average. */
const KEY_PREFIX = '00';
/** Proofs that are checked at a time: half of Node's thread pool. The embedded database syncs its file in the other half. */
const AT_ONCE = 2;
/** How long a caller may take, ms. */
const LIFETIME_MS = 600_000;

/** What ALTCHA's widget sends, as base64 of JSON. The signature covers every member of `parameters`, known or not. */
const payload = z.object({
  challenge: z.object({
    parameters: z.looseObject({
      algorithm: z.literal(ALGORITHM),
      nonce: z.string(),
      salt: z.string(),
      cost: z.int(),
      keyLength: z.int(),
      keyPrefix: z.string(),
      expiresAt: z.number(),
      data: z.strictObject({ campaign: z.string(), user: z.string(), key: z.string() }),
    }),
    signature: z.string(),
  }),
  solution: z.object({ counter: z.int(), derivedKey: z.string() }),
});

/**
 * Asks for ALTCHA's proof of work, version 2, which signs the parameters as one JSON text. (Before the mend of
 * CVE-2025-68113, version 1 signed them so that an expiry could be read in two ways.)
 *
 * A proof is for one user in one campaign. Sent again, it gets a token for the same user: no more than the first.
 */
export class ProofOfWork extends ChallengeVerifier {
  private readonly queue = new JudgingQueue(AT_ONCE);

  constructor(private readonly now: () => number = () => systemClock.wall()) {
    super();
  }

  override async pose({ campaignId, userId, cost, keys }: ChallengeQuestion) {
    const { signing } = keys;
    if (signing === null) throw new Error('the keys of entries were not read yet');
    const { parameters, signature } = await createChallenge({
      algorithm: ALGORITHM,
      cost,
      deriveKey,
      keyPrefix: KEY_PREFIX,
      expiresAt: new Date(this.now() + LIFETIME_MS),
      data: { campaign: campaignId, user: userId, key: signing.id },
      hmacSignatureSecret: secretOf(signing),
    });
    return { parameters, signature };
  }

  override async verify({ campaignId, userId, keys }: ChallengeQuestion, answer: string): Promise<ChallengeVerdict> {
    const { data: shown } = payload.safeParse(jsonIn(answer));
    if (shown === undefined) return 'failed';
    const { data } = shown.challenge.parameters;
    const key = keys.find(data.key);
    // mutant: proof-for-anyone
    if (key === undefined || data.campaign !== campaignId || data.user !== userId) return 'failed';
    return this.queue.add(async () => {
      const { verified } = await verifySolution({ ...shown, deriveKey, hmacSignatureSecret: secretOf(key) });
      return verified ? 'passed' : 'failed';
    });
  }
}

/** Another secret than that of the tokens, so that no signature of one kind is one of the other. */
function secretOf({ secret }: InstallationKey): string {
  return createHmac('sha256', secret).update('proof-of-work').digest('hex');
}

function jsonIn(answer: string): unknown {
  try {
    return JSON.parse(Buffer.from(answer, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
