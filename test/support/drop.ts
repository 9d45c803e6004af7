import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type Answer, type Client, inParallel, isRefused, tally } from './client.js';

/** A claim that was answered 202, and so may never be lost. */
export interface PromisedClaim {
  readonly campaignId: string;
  readonly userId: string;
  readonly claimId: string;
  readonly sequence: number;
  /** When the caller had the answer, ISO 8601. */
  readonly at: string;
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
  readonly userId: string;
  /** Status and code of the answer, or how it was that there was none. */
  readonly word: string;
  /** When it was made, of the monotonic clock. */
  readonly at: number;
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

/** The port was closed: the call was not taken. */
const REFUSED = 'connection refused';
/** The connection was reset or closed: the call may have been taken, or it was the kernel's when the port closed. */
const NO_ANSWER = 'no answer';

/** Its request came too slowly; or it was there, and the process was frozen. */
const TOO_SLOW = '408 request-timeout';

/** What callers may have met besides a documented answer in time: nothing, unless a test says so. */
export interface Allowance {
  /** A process that had callers was killed. */
  readonly killed?: boolean;
  /**
   * One that had callers ended in order: its port refuses connections, and resets those that it had not accepted yet.
   * What it had taken is answered, which {@link Drop.neverTold} is there to show.
   */
  readonly left?: boolean;
  /**
   * The caller of a process that was frozen: what had come and was not read until it woke up is too old by then, and
   * answered so.
   */
  readonly frozen?: Client | undefined;
}

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
  private closed = false;

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

  /** One call. @returns its status and code, or how it was that there was no answer. */
  async press(client: Client, userId: string): Promise<string> {
    this.asked.add(userId);
    const started = performance.now();
    const answer = await client.apply(userId, this.campaignId).catch(lackOf);
    // What follows takes the caller's time, not the service's.
    const ms = performance.now() - started;
    let word = NO_ANSWER;
    if (typeof answer === 'string') word = answer;
    else if (this.listening) word = wordOf(answer);
    if (typeof answer !== 'string' && word === '202') {
      const { claimId, sequence } = answer.body;
      this.record({ campaignId: this.campaignId, userId, claimId, sequence, at: new Date().toISOString() });
    }
    this.calls.push({ via: client, userId, word, at: started, ms });
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

  /** Answers that no document knows, and calls without an answer that nothing excuses. */
  undocumented({ killed = false, left = false, frozen }: Allowance = {}): string[] {
    const excused = killed || left ? [NO_ANSWER, REFUSED] : [];
    const isExcused = ({ word, via }: Call) => excused.includes(word) || (word === TOO_SLOW && via === frozen);
    return this.calls.filter((call) => !DOCUMENTED.has(call.word) && !isExcused(call)).map(({ word }) => word);
  }

  /** Users who had no answer to a call, and to none of their calls one that speaks of a claim of their own. */
  neverTold(): string[] {
    const told = new Set<string>();
    const unanswered = new Set<string>();
    for (const { userId, word } of this.calls) {
      if (word === '202' || word === '503 claim-unconfirmed') told.add(userId);
      if (word === NO_ANSWER) unanswered.add(userId);
    }
    return [...unanswered].filter((userId) => !told.has(userId));
  }

  /** The slowest call, ms; of all callers but that of a frozen process. */
  slowestMs({ frozen }: Pick<Allowance, 'frozen'> = {}): number {
    // No spread: an argument list has an end, and a drop that lasts has more calls.
    return this.calls.reduce((most, { via, ms }) => (via === frozen ? most : Math.max(most, ms)), 0);
  }

  /** Once more is as good: by then the number of the file may be that of somebody else's socket. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.ledger);
  }

  private record(claim: PromisedClaim): void {
    writeSync(this.ledger, `${JSON.stringify(claim)}\n`);
    fsyncSync(this.ledger);
  }
}

/** Of the connection's own errors, which have a code; anything else is a mistake of ours. */
function lackOf(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  return isRefused(error) ? REFUSED : NO_ANSWER;
}

export function wordOf({ status, body }: Answer): string {
  return `${status} ${body?.code ?? ''}`.trim();
}
