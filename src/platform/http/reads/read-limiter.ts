/**
 * The queues in which reads wait:
 *
 * - `public`: reads of database and gate by any caller. They may take all places but one;
 * - `operator`: the same reads with the admin token. They may take every place, so one is always free of the public;
 * - `memory`: answers that need no server, such as metrics and documents. They have their own places: an operator who
 *   looks into an outage must not stand behind reads that wait for the database;
 * - `probe`: health. It waits for its turn, never for a place.
 */
export type ReadLane = 'public' | 'operator' | 'memory' | 'probe';

/** The decision about a read that asked for a place. */
export type Admission =
  /** Call `leave` once, when the answer is made, with the answer's length. */
  | { readonly kind: 'admitted'; readonly leave: (bytes: number) => void }
  /** Too many reads wait already, or this one has waited too long. */
  | { readonly kind: 'busy' }
  /** The caller hung up while the read waited. */
  | { readonly kind: 'gone' };

export interface ReadLimits {
  /** How many reads of database and gate may be under way at once. */
  readonly concurrency: number;
  /** How many reads may wait in one lane. */
  readonly maxWaiting: number;
  /** How long a read waits at most, ms. */
  readonly maxWaitMs: number;
}

/** The limiter's view of the process. Tests provide their own. */
export interface ReadSurroundings {
  /** ms, monotonic. */
  now(): number;
  /** How many turns of the event loop have answered claims so far. */
  claimTurns(): number;
  /**
   * Calls `work`; then `after`, when everything is done that follows from `work` without waiting for a server or a
   * disk.
   */
  nextTurn(work: () => void, after: () => void): void;
  /** Calls `work` after this many ms. */
  after(ms: number, work: () => void): void;
}

/** While claims arrive, after a read that took t ms of the process the next one begins GIVE_WAY × t ms later. */
const GIVE_WAY = 5;
/** While claims arrive, answers to reads leave at this rate: copying them into sockets takes time from claims, too. */
const BYTES_PER_MS = 50_000;
/** Shorter rests are added up to this length, ms: timers cannot wait less. */
const SHORTEST_REST_MS = 1;
/** The longest rest, ms. A pause of the process that no read caused must not stop reads for long. */
const LONGEST_REST_MS = 250;
/**
 * Claims count as arriving if any was answered in the last interval of this length, ms. Where claims wait for the disk
 * together, one turn of the event loop answers a hundred of them. So the number of turns does not say how many claims
 * there are.
 */
const WINDOW_MS = 250;
/**
 * How long a health check waits for its turn at most, ms. Then it is answered at once: a load balancer gives up after a
 * second.
 */
const PROBE_WAIT_MS = 100;
/** How often waiting reads are checked for lateness, ms, also if no read ever ends. */
const CHECK_MS = 100;

const LANES: readonly ReadLane[] = ['probe', 'operator', 'memory', 'public'];

interface Waiting {
  readonly since: number;
  readonly isGone: () => boolean;
  readonly settle: (admission: Admission) => void;
}

/**
 * Decides when a read may begin, so that claims, which never wait here, get the process first.
 *
 * One thread answers both. A limit on reads under way bounds what they hold (connections, memory), not how much of the
 * thread they take: a read that needs no server ends within its turn. Therefore only one read begins in each turn of
 * the event loop, and the lanes take turns. While claims arrive, no read begins for a multiple of the time that the
 * last read took. Without claims, the next read begins in the next turn.
 */
export class ReadLimiter {
  private readonly waiting: Readonly<Record<ReadLane, Waiting[]>> = { public: [], operator: [], memory: [], probe: [] };
  private readonly underWay: Record<ReadLane, number> = { public: 0, operator: 0, memory: 0, probe: 0 };
  /** Index in {@link LANES} of the lane that comes first in the next turn. */
  private first = 0;
  /** True while the next turn is scheduled or a rest is under way. */
  private scheduled = false;
  private watching = false;
  /** How long reads still have to rest for claims, ms. */
  private owedMs = 0;
  private window = { since: -Infinity, claimTurns: 0 };
  private claimsCome = false;

  constructor(
    private readonly limits: ReadLimits,
    private readonly surroundings: ReadSurroundings,
  ) {}

  /**
   * Resolves when the read may begin, or when it is clear that it may not.
   * @param isGone is called before the read begins: the service does no work for a caller who has hung up.
   */
  enter(lane: ReadLane, isGone: () => boolean): Promise<Admission> {
    const queue = this.waiting[lane];
    if (queue.length >= this.limits.maxWaiting) return Promise.resolve({ kind: 'busy' });
    return new Promise((settle) => {
      queue.push({ since: this.surroundings.now(), isGone, settle });
      this.schedule();
      this.watch();
    });
  }

  private schedule(): void {
    if (this.scheduled || !LANES.some((lane) => this.mayBegin(lane))) return;
    this.scheduled = true;
    let began = 0;
    this.surroundings.nextTurn(
      () => {
        began = this.surroundings.now();
        this.beginOne();
      },
      () => this.rest(this.surroundings.now() - began),
    );
  }

  /** @param tookMs how long the read kept the process busy, without what it does later, when its server answers. */
  private rest(tookMs: number): void {
    this.owedMs = this.seesClaims() ? Math.min(LONGEST_REST_MS, this.owedMs + GIVE_WAY * tookMs) : 0;
    if (this.owedMs < SHORTEST_REST_MS) {
      this.goOn();
      return;
    }
    const from = this.surroundings.now();
    this.surroundings.after(this.owedMs, () => {
      // A busy process wakes up late. Then claims have already had more time than reads owed them.
      this.owedMs = Math.max(0, this.owedMs - (this.surroundings.now() - from));
      this.goOn();
    });
  }

  private goOn(): void {
    this.scheduled = false;
    this.schedule();
  }

  private seesClaims(): boolean {
    const now = this.surroundings.now();
    if (now - this.window.since >= WINDOW_MS) {
      const claimTurns = this.surroundings.claimTurns();
      this.claimsCome = claimTurns > this.window.claimTurns;
      this.window = { since: now, claimTurns };
    }
    return this.claimsCome;
  }

  private beginOne(): void {
    this.refuseLate();
    for (let step = 0; step < LANES.length; step++) {
      const at = (this.first + step) % LANES.length;
      const lane = LANES[at] as ReadLane;
      if (this.mayBegin(lane) && this.beginNext(lane)) {
        this.first = (at + 1) % LANES.length;
        return;
      }
    }
  }

  /** @returns false if all waiting callers have hung up. */
  private beginNext(lane: ReadLane): boolean {
    for (let next = this.waiting[lane].shift(); next !== undefined; next = this.waiting[lane].shift()) {
      if (next.isGone()) {
        next.settle({ kind: 'gone' });
        continue;
      }
      this.underWay[lane] += 1;
      next.settle({ kind: 'admitted', leave: (bytes) => this.leave(lane, bytes) });
      return true;
    }
    return false;
  }

  private leave(lane: ReadLane, bytes: number): void {
    this.underWay[lane] -= 1;
    this.owedMs += bytes / BYTES_PER_MS;
    this.schedule();
  }

  private mayBegin(lane: ReadLane): boolean {
    if (this.waiting[lane].length === 0) return false;
    const { concurrency } = this.limits;
    if (lane === 'probe') return true;
    if (lane === 'memory') return this.underWay.memory < concurrency;
    const taken = this.underWay.public + this.underWay.operator;
    const kept = lane === 'public' && concurrency > 1 ? 1 : 0;
    return taken < concurrency - kept;
  }

  /** The first in a queue has waited longest, so late reads are at its head. */
  private refuseLate(): void {
    const now = this.surroundings.now();
    for (const lane of LANES) {
      const queue = this.waiting[lane];
      const before = now - (lane === 'probe' ? PROBE_WAIT_MS : this.limits.maxWaitMs);
      if ((queue[0]?.since ?? Infinity) > before) continue;
      const inTime = queue.findIndex(({ since }) => since > before);
      for (const { settle } of queue.splice(0, inTime < 0 ? queue.length : inTime)) settle({ kind: 'busy' });
    }
  }

  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    this.surroundings.after(CHECK_MS, () => {
      this.watching = false;
      this.refuseLate();
      if (LANES.some((lane) => this.waiting[lane].length > 0)) this.watch();
    });
  }
}
