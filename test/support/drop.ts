import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type Answer, type Client, inParallel, tally } from './client.js';

/** A claim that was answered 202, and so may never be lost. */
export interface PromisedClaim {
  readonly campaignId: string;
  readonly userId: string;
  readonly claimId: string;
  readonly sequence: number;
}

/** How a drop goes. */
export interface DropPlan {
  readonly users: readonly string[];
  /** Calls that one user makes, at the most: whoever is told to come back does so. */
  readonly tries: number;
  /** Calls at once. */
  readonly width: number;
}

/** Answers that end a user's tries. */
const FINAL = new Set(['202', '409 already-claimed', '409 sold-out', '409 campaign-ended', '409 campaign-closed']);

/** What a caller may ever see during a fault. */
const DOCUMENTED = new Set([
  ...FINAL,
  '409 campaign-not-started',
  '409 campaign-paused',
  '503 issuer-unavailable',
  '503 claim-unconfirmed',
]);

/** A call without an answer is told apart from every answer. */
const NO_ANSWER = 'no answer';

/**
 * The users of one campaign who press the button. Every 202 goes to a file, with fsync, before it counts: what the
 * oracle holds the service to has been seen by a caller, whatever happens to this process.
 */
export class Drop {
  readonly asked = new Set<string>();
  /** Status and code of every answer, in order. */
  readonly words: string[] = [];
  /** ms from call to answer, or to the lack of one. */
  readonly latencies: number[] = [];
  /** False while answers come that nobody hears: they count as none. */
  listening = true;
  private readonly ledger: number;

  constructor(
    readonly campaignId: string,
    readonly total: number,
    private readonly ledgerFile: string,
  ) {
    this.ledger = openSync(ledgerFile, 'a');
  }

  /** Runs until every user has a final answer or has used up the tries. */
  async run(client: Client, { users, tries, width }: DropPlan): Promise<void> {
    await inParallel(users, width, async (user) => {
      for (let attempt = 0; attempt < tries; attempt++) {
        if (FINAL.has(await this.press(client, user))) return;
      }
    });
  }

  /** One call. @returns its status and code, or that there was no answer. */
  async press(client: Client, userId: string): Promise<string> {
    this.asked.add(userId);
    const started = performance.now();
    let word = NO_ANSWER;
    try {
      const answer = await client.apply(userId, this.campaignId);
      if (this.listening) word = wordOf(answer);
      if (word === '202') {
        const { claimId, sequence } = answer.body;
        this.record({ campaignId: this.campaignId, userId, claimId, sequence });
      }
    } catch {
      // The process was killed: its callers have no answer, and nothing was promised to them.
    }
    this.latencies.push(performance.now() - started);
    this.words.push(word);
    return word;
  }

  /** Read back from the file. */
  promised(): PromisedClaim[] {
    return readFileSync(this.ledgerFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as PromisedClaim);
  }

  /** How often each answer was given. */
  tally(): Record<string, number> {
    return tally(this.words);
  }

  /** Answers that no document knows. Calls without an answer count, unless a process that had them was killed. */
  undocumented({ killed = false } = {}): string[] {
    return this.words.filter((word) => !DOCUMENTED.has(word) && !(killed && word === NO_ANSWER));
  }

  /** The slowest call, ms. */
  get slowestMs(): number {
    return Math.max(0, ...this.latencies);
  }

  close(): void {
    closeSync(this.ledger);
  }

  private record(claim: PromisedClaim): void {
    writeSync(this.ledger, `${JSON.stringify(claim)}\n`);
    fsyncSync(this.ledger);
  }
}

export function wordOf({ status, body }: Answer): string {
  return `${status} ${body?.code ?? ''}`.trim();
}
