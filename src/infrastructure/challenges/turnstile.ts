import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import { systemClock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import {
  ChallengeBusyError,
  type ChallengeQuestion,
  type ChallengeVerdict,
  ChallengeVerifier,
} from '../../ports/entry/challenge-verifier.js';
import { JudgingQueue } from './judging-queue.js';

/** The `action` of the widget: a token that was made for another form of the same site does not count here. */
const ACTION = 'coupon-entry';
/** Tokens that are asked about at a time; each is a connection. */
const AT_ONCE = 100;
/** Until siteverify has answered, ms. */
const DEADLINE_MS = 2_000;

/** The caller's fault: the token is wrong, used, or too old. `bad-request` as well, since a token can cause it. */
const REFUSALS: ReadonlySet<string> = new Set([
  'missing-input-response',
  'invalid-input-response',
  'timeout-or-duplicate',
  'bad-request',
]);

const report = z.object({
  success: z.boolean(),
  'error-codes': z.array(z.string()).default([]),
  action: z.string().optional(),
  cdata: z.string().optional(),
});

/** Asks Cloudflare whether a Turnstile token is good. Cloudflare takes each token once. */
export class Turnstile extends ChallengeVerifier {
  private readonly queue = new JudgingQueue(AT_ONCE);
  private readonly outage = new OutageLog(new Logger(Turnstile.name), systemClock, 'error');

  /**
   * @param url of siteverify.
   * @param deadlineMs tests shorten it.
   */
  constructor(
    private readonly url: string,
    private readonly secret: string,
    private readonly deadlineMs = DEADLINE_MS,
  ) {
    super();
  }

  override pose(question: ChallengeQuestion) {
    return Promise.resolve({ action: ACTION, cdata: cdataOf(question) });
  }

  override verify(question: ChallengeQuestion, answer: string): Promise<ChallengeVerdict> {
    return this.queue.add(() => this.judge(question, answer));
  }

  private async judge(question: ChallengeQuestion, answer: string): Promise<ChallengeVerdict> {
    let found: z.infer<typeof report>;
    try {
      found = await this.ask(answer);
    } catch (error) {
      if (error instanceof ChallengeBusyError) {
        this.outage.failed(`Turnstile cannot be asked: ${error.message}`);
        throw error;
      }
      return this.unavailable(`it does not answer: ${reasonOf(error)}`);
    }
    const codes = found['error-codes'];
    if (!found.success && !codes.some((code) => REFUSALS.has(code))) {
      return this.unavailable(`it refuses this installation: ${codes.join(', ') || 'without a reason'}`);
    }
    this.outage.recovered('Turnstile judges again');
    // mutant: turnstile-for-anyone
    const isForThis = found.action === ACTION && found.cdata === cdataOf(question);
    return found.success && isForThis ? 'passed' : 'failed';
  }

  private async ask(answer: string): Promise<z.infer<typeof report>> {
    const response = await fetch(this.url, {
      method: 'POST',
      body: new URLSearchParams({ secret: this.secret, response: answer }),
      redirect: 'error',
      signal: AbortSignal.timeout(this.deadlineMs),
    });
    // Callers can bring it about with a flood of answers, so it is no `unavailable`, which may let them in.
    // mutant: throttled-turnstile
    if (response.status === 429) throw new ChallengeBusyError('it limits this installation: status 429');
    // Refusals of a token come with 200 or 400, both with a report.
    if (response.status >= 500) throw new Error(`status ${response.status}`);
    return report.parse(await response.json());
  }

  private unavailable(why: string): ChallengeVerdict {
    this.outage.failed(`Turnstile cannot be asked: ${why}`);
    return 'unavailable';
  }
}

/** A widget's cData takes 255 letters, digits, `_` and `-`. Ids of users hold more, so it is a digest. */
function cdataOf({ campaignId, userId }: ChallengeQuestion): string {
  return createHash('sha256').update(`${campaignId}\n${userId}`).digest('base64url');
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'its answer has another form';
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
