import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { soldOutTooEarly } from '../../oracle/history.js';
import {
  type HeardCall,
  IN_DOUBT,
  NO_ANSWER,
  type PromisedClaim,
  REFUSED,
  type SeenClaim,
  type StatusLook,
  type StockLook,
} from '../../oracle/told.js';
import { type Answer, Client, inParallel, isRefused, tally } from './client.js';
import { stalls } from './stalls.js';

/** One call of a user, and its result. */
export interface Call extends HeardCall {
  readonly via: Client;
  /** The address that was called. */
  readonly url: string;
}

/** A promise as it stands in the drop's file. */
interface RecordedClaim extends PromisedClaim {
  readonly campaignId: string;
  /** When the caller got the answer, ISO 8601. */
  readonly at: string;
}

/** The size and speed of a drop. */
export interface DropPlan {
  readonly users: readonly string[];
  /** How many calls one user makes at most. A user who is told to come back calls again. */
  readonly tries: number;
  /** How many calls run at the same time. */
  readonly width: number;
  /** Awaited before each call. */
  readonly pause?: () => Promise<void>;
}

/** How often callers look at what they were promised. */
export interface DropOptions {
  /** The epoch in which the drop began; by default unknown. */
  readonly epoch?: number;
  /** One of so many winners asks for the status and the stock; by default none. */
  readonly lookEvery?: number;
}

/** Answers that end a user's tries. */
const FINAL = new Set(['202', '409 already-claimed', '409 sold-out', '409 campaign-ended', '409 campaign-closed']);

/** The answers that a caller of an open campaign may get during a fault. */
const DOCUMENTED = new Set([
  '202',
  '409 already-claimed',
  '409 sold-out',
  '503 issuer-unavailable',
  '503 claim-unconfirmed',
]);

/** The request came too slowly, or it was there but the process was frozen. */
const TOO_SLOW = '408 request-timeout';

/** What callers may get besides a documented answer in time. Nothing, unless a test says so. */
export interface Allowance {
  /**
   * The addresses of processes that lived through the test. Only a call to another address may have met the process
   * that was killed or left. If absent, any call may have.
   */
  readonly alive?: readonly string[];
  /** A process that had callers was killed. */
  readonly killed?: boolean;
  /**
   * A process that had callers ended in order: its port refuses connections. It closes idle connections, and a call
   * that is written to one of them at that moment gets no answer; see {@link Client.withFreshConnections}.
   */
  readonly left?: boolean;
  /**
   * The caller of a process that was frozen. A request that arrived before and was read only after the process woke up
   * is too old by then, and is answered 408.
   */
  readonly frozen?: Client | undefined;
  /** Further answers of a campaign that has a window or that an operator changes. */
  readonly campaign?: readonly string[];
  /** An operator has changed the total, so `sold-out` may have been right under another total. */
  readonly totalChanged?: boolean;
}

/**
 * The users of one campaign who call for a coupon. Every 202 is written to a file with fsync before it counts. So the
 * promises that the oracle checks survive, even if this process dies.
 */
export class Drop {
  readonly asked = new Set<string>();
  /** Every call that has ended, in the order in which they ended. */
  readonly calls: Call[] = [];
  readonly statusLooks: StatusLook[] = [];
  readonly stockLooks: StockLook[] = [];
  /** While this is false, answers count as no answer. */
  listening = true;
  readonly epoch: number | null;
  private readonly lookEvery: number;
  private readonly looking = new Set<Promise<void>>();
  private readonly stalls = stalls();
  private winners = 0;
  /** An error of a look that is none of the connection. */
  private mistake: unknown;
  private readonly ledger: number;
  private closed = false;

  constructor(
    readonly campaignId: string,
    readonly total: number,
    private readonly ledgerFile: string,
    { epoch, lookEvery = Infinity }: DropOptions = {},
  ) {
    this.epoch = epoch ?? null;
    this.lookEvery = lookEvery;
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

  /** Makes one call. @returns its status and code, or why there was no answer. */
  async press(client: Client, userId: string): Promise<string> {
    this.asked.add(userId);
    const started = performance.now();
    const asked = client.apply(userId, this.campaignId).catch(lackOf);
    const url = client.lastAsked;
    const answer = await asked;
    // The time after this line is the caller's, not the service's.
    const ms = performance.now() - started;
    const call = { via: client, url, userId, at: started, ms };
    if (typeof answer === 'string' || !this.listening) {
      const word = typeof answer === 'string' ? answer : NO_ANSWER;
      this.calls.push({ ...call, word });
      return word;
    }
    const word = wordOf(answer);
    const claim = claimIn(answer);
    if (word === '202' && claim?.claimId !== undefined) {
      const { campaignId } = this;
      const { claimId } = claim;
      const [asked, heard] = [started, started + ms];
      this.record({ campaignId, userId, ...claim, claimId, asked, heard, at: new Date().toISOString() });
      if (this.winners++ % this.lookEvery === 0) this.look(client, url, userId, claimId);
    }
    this.calls.push({
      ...call,
      word,
      ...(claim === undefined ? {} : { claim }),
      ...(answer.body?.final === true ? { final: true } : {}),
    });
    return word;
  }

  /** Waits for the looks that are under way. */
  async looked(): Promise<void> {
    await Promise.all(this.looking);
    if (this.mistake !== undefined) throw this.mistake;
  }

  /** Calls whose claim may have been admitted, although no answer says so. */
  get callsInDoubt(): number {
    return this.calls.filter(({ word }) => IN_DOUBT.has(word)).length;
  }

  /** How many calls were promised a coupon. It costs nothing, unlike {@link promised}. */
  get promisedCount(): number {
    return this.winners;
  }

  /** The promises, read back from the file. */
  promised(): PromisedClaim[] {
    return readFileSync(this.ledgerFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as PromisedClaim);
  }

  /** The result of each call. */
  get words(): string[] {
    return this.calls.map(({ word }) => word);
  }

  /** The result of the last call. */
  get lastWord(): string | undefined {
    return this.calls.at(-1)?.word;
  }

  /** How often each result came. */
  tally(): Record<string, number> {
    return tally(this.words);
  }

  /** Answers that are not documented, and calls without an answer that nothing excuses. */
  undocumented({ killed = false, left = false, alive = [], frozen, campaign = [] }: Allowance = {}): string[] {
    const unheard = killed || left ? [NO_ANSWER, REFUSED] : [];
    const isExcused = ({ word, via, url }: Call) =>
      campaign.includes(word) ||
      (unheard.includes(word) && !alive.includes(url)) ||
      (word === TOO_SLOW && via === frozen);
    return this.calls.filter((call) => !DOCUMENTED.has(call.word) && !isExcused(call)).map(({ word }) => word);
  }

  /** {@link soldOutTooEarly} */
  soldOutTooEarly(): string[] {
    return soldOutTooEarly(this.calls, this.total);
  }

  /** The slowest call, ms, of all callers except that of a frozen process; {@link Stalls} do not count. */
  slowestMs({ frozen }: Pick<Allowance, 'frozen'> = {}): number {
    // No spread into Math.max: a long drop has more calls than an argument list may have.
    return this.calls.reduce((most, { via, at, ms }) => {
      if (via === frozen || ms <= most) return most;
      return Math.max(most, ms - this.stalls.between(at, at + ms));
    }, 0);
  }

  /** Everything that was heard, for a file. */
  toJSON(): unknown {
    const { campaignId, total, epoch, statusLooks, stockLooks } = this;
    const calls = this.calls.map(({ via: _via, ...call }) => call);
    return { campaignId, total, epoch, promised: this.promised(), calls, statusLooks, stockLooks };
  }

  /** A second call does nothing: by then the file's number may belong to another file or socket. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.ledger);
  }

  /** Asks for the status of the claim and the stock of the campaign, beside the other calls. */
  private look(client: Client, url: string, userId: string, claimId: string): void {
    for (const look of [this.lookAtStatus(client, userId, claimId), this.lookAtStock(new Client(url))]) {
      const ended: Promise<void> = look
        // An api that died says nothing.
        .catch((error: unknown) => void lackOf(error))
        .catch((error: unknown) => void (this.mistake ??= error))
        .finally(() => this.looking.delete(ended));
      this.looking.add(ended);
    }
  }

  private async lookAtStatus(client: Client, userId: string, claimId: string): Promise<void> {
    const headers = { 'x-claim-id': claimId };
    const { status, body } = await client.send('GET', `/api/campaigns/${this.campaignId}/claims/${userId}`, {
      headers,
    });
    if (!this.listening) return;
    // The id of another claim is not shown to this caller.
    const shown = status === 200 ? (body?.claimId ?? `another claim, ${body?.sequence}`) : null;
    this.statusLooks.push({ userId, claimId, status, shown });
  }

  /** All of it from one api: each of them may show a stock that is a second old. */
  private async lookAtStock(api: Client): Promise<void> {
    const epoch = async (): Promise<unknown> => (await api.send('GET', '/health/ready')).body?.gate?.epoch;
    const before = await epoch();
    const asked = performance.now();
    const { status, body } = await api.send('GET', `/api/campaigns/${this.campaignId}`);
    const heard = performance.now();
    const url = api.lastAsked;
    if (status !== 200 || typeof body.remaining !== 'number' || typeof before !== 'number') return;
    if ((await epoch()) !== before) return;
    const { version, remaining } = body;
    this.stockLooks.push({ url, epoch: before, version, remaining, asked, heard });
  }

  private record(claim: RecordedClaim): void {
    writeSync(this.ledger, `${JSON.stringify(claim)}\n`);
    fsyncSync(this.ledger);
  }
}

/** Names an error of the connection, which has a code. Any other error is a mistake in the test and is thrown. */
function lackOf(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  return isRefused(error) ? REFUSED : NO_ANSWER;
}

/** The claim that an answer names. */
function claimIn({ body }: Answer): SeenClaim | undefined {
  const { claimId, sequence, claimedAt } = body?.claim ?? body ?? {};
  if (sequence === undefined) return undefined;
  return { ...(claimId === undefined ? {} : { claimId }), sequence, claimedAt: Date.parse(claimedAt) };
}

export function wordOf({ status, body }: Answer): string {
  return `${status} ${body?.code ?? ''}`.trim();
}
