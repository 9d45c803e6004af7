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

/** One press of the button, and what came of it. */
export interface Call {
  readonly via: Client;
  /** Status and code of the answer, or that there was none. */
  readonly word: string;
  /** From call to answer, or to the lack of one. */
  readonly ms: number;
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
  /** Every call that has ended, in that order. */
  readonly calls: Call[] = [];
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
    let ms: number | undefined;
    try {
      const answer = await client.apply(userId, this.campaignId);
      // What follows takes the caller's time, not the service's.
      ms = performance.now() - started;
      if (this.listening) word = wordOf(answer);
      if (word === '202') {
        const { claimId, sequence } = answer.body;
        this.record({ campaignId: this.campaignId, userId, claimId, sequence });
      }
    } catch {
      // The process was killed: its callers have no answer, and nothing was promised to them.
    }
    this.calls.push({ via: client, word, ms: ms ?? performance.now() - started });
    return word;
  }

  /** Read back from the file. */
  promised(): PromisedClaim[] {
    return readFileSync(this.ledgerFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as PromisedClaim);
  }

  /** What was answered to each call. */
  get words(): string[] {
    return this.calls.map(({ word }) => word);
  }

  /** What was answered last. */
  get lastWord(): string | undefined {
    return this.calls.at(-1)?.word;
  }

  /** How often each answer was given. */
  tally(): Record<string, number> {
    return tally(this.words);
  }

  /** Answers that no document knows. Calls without an answer count, unless a process that had them was killed. */
  undocumented({ killed = false } = {}): string[] {
    return this.words.filter((word) => !DOCUMENTED.has(word) && !(killed && word === NO_ANSWER));
  }

  /** The slowest call, ms; of all callers but one, where that is given. */
  slowestMs({ except }: { except?: Client | undefined } = {}): number {
    // No spread: an argument list has an end, and a drop that lasts has more calls.
    return this.calls.reduce((most, { via, ms }) => (via === except ? most : Math.max(most, ms)), 0);
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
