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
  /** Before each call. */
  readonly pause?: () => Promise<void>;
}

/** One press of the button, and what came of it. */
export interface Call {
  readonly via: Client;
  /** Which of its addresses was asked. */
  readonly url: string;
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

/** The port was closed: the call was not taken. */
const REFUSED = 'connection refused';
/** The connection was reset or closed: the call may have been taken, or it was the kernel's when the port closed. */
const NO_ANSWER = 'no answer';

/** What a caller of an open campaign may see during a fault. */
const DOCUMENTED = new Set([
  '202',
  '409 already-claimed',
  '409 sold-out',
  '503 issuer-unavailable',
  '503 claim-unconfirmed',
]);

/** Whoever sees these may hold a slot, or does. */
const MAY_HOLD_A_SLOT = new Set(['202', '409 already-claimed', '503 claim-unconfirmed', NO_ANSWER]);

/** Its request came too slowly; or it was there, and the process was frozen. */
const TOO_SLOW = '408 request-timeout';

/** What callers may have met besides a documented answer in time: nothing, unless a test says so. */
export interface Allowance {
  /** Calls to any other address may have been to the process that was killed, or that left; absent: to whatever one. */
  readonly alive?: readonly string[];
  /** A process that had callers was killed. */
  readonly killed?: boolean;
  /**
   * One that had callers ended in order: its port refuses connections. It closes those that are idle, and a call that is
   * written to one at that moment has no answer; see {@link Client.withFreshConnections}.
   */
  readonly left?: boolean;
  /**
   * The caller of a process that was frozen: what had come and was not read until it woke up is too old by then, and
   * answered so.
   */
  readonly frozen?: Client | undefined;
  /** What else a campaign may say of itself that has a window, or that an operator changes. */
  readonly campaign?: readonly string[];
  /** An operator has changed the total, so what was sold out was so by another one. */
  readonly totalChanged?: boolean;
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
  async run(client: Client, { users, tries, width, pause }: DropPlan): Promise<void> {
    await inParallel(users, width, async (user) => {
      for (let attempt = 0; attempt < tries; attempt++) {
        await pause?.();
        if (FINAL.has(await this.press(client, user))) return;
      }
    });
  }

  /** One call. @returns its status and code, or how it was that there was no answer. */
  async press(client: Client, userId: string): Promise<string> {
    this.asked.add(userId);
    const started = performance.now();
    const asked = client.apply(userId, this.campaignId).catch(lackOf);
    const url = client.lastAsked;
    const answer = await asked;
    // What follows takes the caller's time, not the service's.
    const ms = performance.now() - started;
    let word = NO_ANSWER;
    if (typeof answer === 'string') word = answer;
    else if (this.listening) word = wordOf(answer);
    if (typeof answer !== 'string' && word === '202') {
      const { claimId, sequence } = answer.body;
      this.record({ campaignId: this.campaignId, userId, claimId, sequence, at: new Date().toISOString() });
    }
    this.calls.push({ via: client, url, userId, word, at: started, ms });
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
  undocumented({ killed = false, left = false, alive = [], frozen, campaign = [] }: Allowance = {}): string[] {
    const unheard = killed || left ? [NO_ANSWER, REFUSED] : [];
    const isExcused = ({ word, via, url }: Call) =>
      campaign.includes(word) ||
      (unheard.includes(word) && !alive.includes(url)) ||
      (word === TOO_SLOW && via === frozen);
    return this.calls.filter((call) => !DOCUMENTED.has(call.word) && !isExcused(call)).map(({ word }) => word);
  }

  /**
   * Users who were told that everything is sold when fewer than `total` of them can have had a slot. Who has one is not
   * always known; who had asked by then, and was not told that nothing was taken, may.
   */
  soldOutTooEarly(): string[] {
    const firstAsked = new Map<string, number>();
    for (const { userId, word, at } of this.calls) {
      if (MAY_HOLD_A_SLOT.has(word)) firstAsked.set(userId, Math.min(at, firstAsked.get(userId) ?? Infinity));
    }
    const nth = [...firstAsked.values()].sort((a, b) => a - b)[this.total - 1] ?? Infinity;
    return this.calls
      .filter(({ word, at, ms }) => word === '409 sold-out' && at + ms < nth)
      .map(({ userId }) => userId);
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
