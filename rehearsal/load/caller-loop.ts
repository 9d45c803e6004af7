import { type StatusLook, NO_ANSWER, REFUSED } from '../../oracle/told.js';
import { randomFrom } from '../random.js';
import { callAside } from './aside-call.js';
import { claimIn, type RawAnswer, retryAfterMs, wordOf } from './answer.js';
import { type CallPlan, drawn, MANNERS, type Span } from './call-plan.js';
import { CallLog, type CallRecords } from './call-records.js';
import { now } from './clock.js';
import { Connection, type Target } from './connection.js';
import { DueQueue } from './due-queue.js';
import { Histogram } from './histogram.js';
import { type RequestTexts } from './request-texts.js';

/** How the calls of one thread are made. */
export interface LoopSettings {
  /** Where the service is; several apis in turn. */
  readonly targets: readonly Target[];
  readonly plan: CallPlan;
  readonly connections: number;
  /** How often a user calls at most who is told to come back. */
  readonly tries: number;
  readonly think: Span;
  /** One of so many winners asks for the status of the claim. */
  readonly lookEvery: number;
  readonly seed: number;
}

/** What has happened so far. */
export interface Progress {
  /** Calls of the plan, and those that users make again. */
  readonly planned: number;
  readonly asked: number;
  readonly answered: number;
  readonly words: Readonly<Record<string, number>>;
  /** The times of the calls that were answered since the last report. */
  readonly recent: Histogram;
}

/** A call without an answer is given up after this time, ms. The service answers within 2.5 s, or is frozen. */
const GIVE_UP_MS = 10_000;
const SWEEP_MS = 1_000;
/** Between two attempts to connect, ms. */
const RECONNECT_MS = 100;
/** A caller who hangs up does it within this time after the request, ms. */
const HANG_UP_MS = 20;
/** Looks are numbered from here on, calls below it. */
const LOOK = 2 ** 31;
const [PRESS, , , SLOW, HANG_UP] = MANNERS.keys();

/**
 * Makes the calls of a plan, each when it is due, whether earlier ones are answered or not. The time of a call begins
 * when it is due, so a wait for a free connection counts: a service that stands still is slow for everybody who comes
 * then, not only for those whom it has kept waiting (coordinated omission).
 */
export class CallerLoop {
  private readonly log: CallLog;
  private readonly all = new Set<Connection>();
  private readonly idle: Connection[] = [];
  private readonly looks: StatusLook[] = [];
  private readonly lookedFor = new Map<number, { readonly userId: string; readonly claimId: string }>();
  private readonly waiting = new DueQueue();
  private readonly random;
  private readonly words: Record<string, number> = {};
  private readonly lateness = Histogram.empty();
  private recent = Histogram.empty();
  private start = 0;
  /** Calls of the plan below this number are due. */
  private due = 0;
  /** Calls that are due. Those before `readyFrom` are made. */
  private readonly ready: number[] = [];
  private readyFrom = 0;
  private readonly attempts = new Map<number, number>();
  private askedCount = 0;
  private settled = 0;
  private underWay = 0;
  private winners = 0;
  private madeAgain = 0;
  private connected = 0;
  private stopped = false;
  private over: (() => void) | undefined;
  private ticking: NodeJS.Timeout | undefined;

  constructor(
    private readonly settings: LoopSettings,
    private readonly texts: RequestTexts,
  ) {
    this.log = new CallLog(settings.plan.due.length);
    this.random = randomFrom(settings.seed);
  }

  /** @throws if no connection can be opened. */
  async connect(): Promise<void> {
    await Promise.all(Array.from({ length: this.settings.connections }, () => this.addConnection().ready));
  }

  /** Makes the calls. @param start when the plan begins, by `clock.ts`. */
  async run(start: number): Promise<void> {
    this.start = start;
    const ended = new Promise<void>((resolve) => (this.over = resolve));
    const sweep = setInterval(() => this.giveUp(), SWEEP_MS);
    this.tick();
    await ended;
    clearInterval(sweep);
    clearTimeout(this.ticking);
    this.stopped = true;
    for (const connection of this.all) connection.end();
  }

  /** Makes no further call. Those under way count as without an answer. */
  stop(): void {
    this.stopped = true;
    this.over?.();
  }

  progress(): Progress {
    const { askedCount: asked, settled: answered, words, recent } = this;
    const planned = this.settings.plan.due.length + this.madeAgain;
    this.recent = Histogram.empty();
    return { planned, asked, answered, words: { ...words }, recent };
  }

  results(): { records: CallRecords; looks: StatusLook[]; lateness: Histogram } {
    return { records: this.log.records(now()), looks: this.looks, lateness: this.lateness };
  }

  /** Takes the calls that have become due. Timers cannot be shorter than 1 ms, so it is several at once. */
  private tick(): void {
    const { due, user, manner } = this.settings.plan;
    const at = now();
    const elapsed = at - this.start;
    while (this.due < due.length && due[this.due]! <= elapsed) {
      const call = this.log.add(this.start + due[this.due]!, user[this.due]!, manner[this.due]!);
      this.lateness.record(elapsed - due[this.due]!);
      this.due += 1;
      this.ready.push(call);
    }
    for (let again = this.waiting.take(at); again !== undefined; again = this.waiting.take(at)) {
      this.ready.push(this.log.add(again.due, again.user, PRESS!));
    }
    this.send();
    if (this.stopped) return;
    const next = Math.min(
      this.due < due.length ? this.start + due[this.due]! : Infinity,
      this.waiting.nextDue,
      at + SWEEP_MS,
    );
    this.ticking = setTimeout(() => this.tick(), next - now());
  }

  private send(): void {
    while (!this.stopped && this.readyFrom < this.ready.length) {
      const call = this.ready[this.readyFrom]!;
      const manner = this.log.mannerOf(call);
      if (manner === SLOW || manner === HANG_UP) {
        this.readyFrom += 1;
        this.callAside(call, manner);
        continue;
      }
      const connection = this.idle.pop();
      if (connection === undefined) return;
      if (!connection.idle) continue;
      this.readyFrom += 1;
      this.noteAsked(call);
      connection.ask(call, this.texts.claim(this.log.userOf(call), manner));
    }
  }

  private noteAsked(call: number): void {
    this.log.noteAsked(call, now());
    this.askedCount += 1;
    this.underWay += 1;
  }

  private callAside(call: number, manner: number): void {
    this.underWay += 1;
    const connection = callAside({
      target: this.nextTarget(),
      call,
      request: this.texts.claim(this.log.userOf(call), manner),
      hangUpAfterMs: manner === HANG_UP ? this.random() * HANG_UP_MS : null,
      written: () => {
        this.log.noteAsked(call, now());
        this.askedCount += 1;
      },
      settled: (word, answer) => {
        this.underWay -= 1;
        this.all.delete(connection);
        this.settle(call, word, answer);
      },
    });
    this.all.add(connection);
  }

  /** The addresses in turn, as a load balancer takes them. */
  private nextTarget(): Target {
    const { targets } = this.settings;
    return targets[this.connected++ % targets.length]!;
  }

  private answered(connection: Connection, call: number, answer: RawAnswer): void {
    this.underWay -= 1;
    if (call >= LOOK) {
      this.noteLook(call - LOOK, answer);
    } else {
      this.settle(call, wordOf(answer), answer, connection);
    }
    if (connection.idle) this.idle.push(connection);
    this.send();
    this.endIfDone();
  }

  private settle(call: number, word: string, answer?: RawAnswer, connection?: Connection): void {
    const heard = now();
    const named = answer !== undefined && (word === '202' || word === '409 already-claimed');
    const claim = named ? claimIn(answer) : undefined;
    const final = word === '409 sold-out' && answer !== undefined && answer.body.includes('"final":true');
    if (this.log.askedOf(call) < 0) this.log.noteAsked(call, heard);
    this.log.noteHeard(call, heard, word, claim, final);
    const manner = this.log.mannerOf(call);
    // The time of a caller who is slow or hangs up is that caller's own.
    if (manner !== SLOW && manner !== HANG_UP) this.recent.record(heard - this.log.dueOf(call));
    this.words[word] = (this.words[word] ?? 0) + 1;
    this.settled += 1;
    if (claim?.claimId !== undefined && word === '202' && this.winners++ % this.settings.lookEvery === 0) {
      if (connection?.idle === true) this.look(connection, this.log.userOf(call), claim.claimId);
    }
    if (!mayComeBack(word) || manner === HANG_UP) return this.endIfDone();
    const user = this.log.userOf(call);
    const attempt = (this.attempts.get(user) ?? 1) + 1;
    if (attempt > this.settings.tries || this.stopped) return this.endIfDone();
    this.attempts.set(user, attempt);
    this.madeAgain += 1;
    const wait = answer === undefined ? 0 : retryAfterMs(answer);
    this.waiting.add({ due: heard + wait + drawn(this.settings.think, this.random), user });
    this.wakeUp();
  }

  /** The next tick may be planned for a later moment than that of a call that has just been added. */
  private wakeUp(): void {
    if (this.stopped) return;
    clearTimeout(this.ticking);
    this.ticking = setTimeout(() => this.tick(), 0);
  }

  private look(connection: Connection, user: number, claimId: string): void {
    const look = this.lookedFor.size;
    this.lookedFor.set(look, { userId: this.texts.userId(user), claimId });
    this.underWay += 1;
    connection.ask(LOOK + look, this.texts.status(user, claimId));
  }

  private noteLook(number: number, { status, body }: RawAnswer): void {
    const { userId, claimId } = this.lookedFor.get(number)!;
    const shown = status === 200 ? (claimIn({ body })?.claimId ?? 'another claim') : null;
    this.looks.push({ userId, claimId, status, shown });
  }

  private addConnection(): Connection {
    const connection = new Connection(this.nextTarget(), {
      answered: (one, call, answer) => this.answered(one, call, answer),
      closed: (one, call) => this.closed(one, call),
    });
    this.all.add(connection);
    connection.ready.then(
      () => {
        this.idle.push(connection);
        this.send();
      },
      () => undefined,
    );
    return connection;
  }

  private closed(connection: Connection, call: number): void {
    this.all.delete(connection);
    if (call >= 0) {
      this.underWay -= 1;
      if (call < LOOK) this.settle(call, NO_ANSWER);
    }
    if (this.stopped || this.over === undefined) return;
    setTimeout(() => this.stopped || this.addConnection(), RECONNECT_MS);
    this.endIfDone();
  }

  /** Ends the connections whose calls wait for too long. */
  private giveUp(): void {
    const before = now() - GIVE_UP_MS;
    for (const connection of this.all) {
      const { call } = connection;
      const asked = call >= 0 && call < LOOK ? this.log.askedOf(call) : -1;
      if (asked >= 0 && asked < before) connection.end();
    }
  }

  private endIfDone(): void {
    const planned = this.due === this.settings.plan.due.length && this.readyFrom === this.ready.length;
    if (planned && this.underWay === 0 && this.waiting.isEmpty) this.over?.();
  }
}

/** A user who hears this asks again: nothing was decided, or it is not known what was. */
function mayComeBack(word: string): boolean {
  return /^(?:503|429|408)/.test(word) || word === NO_ANSWER || word === REFUSED;
}
