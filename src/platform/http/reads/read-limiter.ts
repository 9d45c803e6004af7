/**
 * Who waits together:
 *
 * - `public`: anybody's reads of database and gate; all but one of the places;
 * - `operator`: the same for the bearer of the admin token; every place, so that one of them is free of the public;
 * - `memory`: what this process answers by itself, such as metrics and documents. It has places of its own: what tells of
 *   an outage must not stand behind reads that wait for the database;
 * - `probe`: health. It waits for its turn only, never for a place.
 */
export type ReadLane = 'public' | 'operator' | 'memory' | 'probe';

/** What became of a read that asked for a place. */
export type Admission =
  /** To be called once, when the read has its answer, with the answer's length. */
  | { readonly kind: 'admitted'; readonly leave: (bytes: number) => void }
  /** Too many wait already, or it has waited for too long. */
  | { readonly kind: 'busy' }
  /** The caller has gone away meanwhile. */
  | { readonly kind: 'gone' };

export interface ReadLimits {
  /** Reads of database and gate that are under way at once. */
  readonly concurrency: number;
  /** Reads that may wait in one lane. */
  readonly maxWaiting: number;
  /** The longest that a read waits, ms. */
  readonly maxWaitMs: number;
}

/** What the limiter sees of the process; tests take its place. */
export interface ReadSurroundings {
  /** ms, monotonic. */
  now(): number;
  /** Turns of the event loop so far in which claims were answered. */
  claimTurns(): number;
  /** Calls `work`, then `after` once everything is done that follows from `work` without waiting for a server or a disk. */
  nextTurn(work: () => void, after: () => void): void;
  /** Calls `work` after so many ms. */
  after(ms: number, work: () => void): void;
}

/** After a read that took t ms of the process, the next one begins GIVE_WAY × t ms later, while claims come. */
const GIVE_WAY = 5;
/** While claims come, answers to reads are given so fast: what is copied into sockets keeps the machine from claims, too. */
const BYTES_PER_MS = 50_000;
/** Rests are saved up to this length, ms: timers know no shorter one. */
const SHORTEST_REST_MS = 1;
/** The longest rest, ms: a pause of the process that was no read's doing must not stop reads for long. */
const LONGEST_REST_MS = 250;
/**
 * Claims come when any was answered in the last such time, ms. One turn of the event loop answers a hundred of them where they
 * wait for the disk together, so their number of turns says nothing about how many they are.
 */
const WINDOW_MS = 250;
/** The longest that health waits for its turn, ms: whoever probes gives up after a second. Then it is answered at once. */
const PROBE_WAIT_MS = 100;
/** How often reads that wait behind others who never end are looked at, ms. */
const LOOK_MS = 100;

const LANES: readonly ReadLane[] = ['probe', 'operator', 'memory', 'public'];

interface Waiting {
  readonly since: number;
  readonly isGone: () => boolean;
  readonly tell: (admission: Admission) => void;
}

/**
 * Decides when a read may begin, so that claims, which never wait here, keep the process.
 *
 * One thread answers both. A limit on how many reads are under way bounds what they hold (connections, memory), not what
 * they take of that thread: a read that needs no server is over within its turn. Therefore reads begin one by one, one in a turn of the
 * event loop; the lanes take turns. While claims come, the loop is left to them for a multiple of the time that the last read has taken
 * of it; without claims the next read begins in the next turn.
 */
export class ReadLimiter {
  private readonly waiting: Readonly<Record<ReadLane, Waiting[]>> = { public: [], operator: [], memory: [], probe: [] };
  private readonly underWay: Record<ReadLane, number> = { public: 0, operator: 0, memory: 0, probe: 0 };
  /** Index in {@link LANES}: who is asked first in the next turn. */
  private first = 0;
  /** A turn was asked for, or a rest is under way. */
  private scheduled = false;
  private watching = false;
  /** What reads owe claims, ms. */
  private owedMs = 0;
  private window = { since: -Infinity, claimTurns: 0 };
  private claimsCome = false;

  constructor(
    private readonly limits: ReadLimits,
    private readonly surroundings: ReadSurroundings,
  ) {}

  /**
   * Resolves when the read may begin, or when it is known that it may not.
   * @param isGone asked before the read begins: nobody works for a caller who has hung up.
   */
  enter(lane: ReadLane, isGone: () => boolean): Promise<Admission> {
    const queue = this.waiting[lane];
    if (queue.length >= this.limits.maxWaiting) return Promise.resolve({ kind: 'busy' });
    return new Promise((tell) => {
      queue.push({ since: this.surroundings.now(), isGone, tell });
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

  /** @param tookMs what the read has taken of the process; what it does later, when its server answers, is not in it. */
  private rest(tookMs: number): void {
    this.owedMs = this.seesClaims() ? Math.min(LONGEST_REST_MS, this.owedMs + GIVE_WAY * tookMs) : 0;
    if (this.owedMs < SHORTEST_REST_MS) {
      this.goOn();
      return;
    }
    const from = this.surroundings.now();
    this.surroundings.after(this.owedMs, () => {
      // A process that is busy wakes up late: then claims have had more than they were owed.
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

  /** False when all who waited have gone. */
  private beginNext(lane: ReadLane): boolean {
    for (let next = this.waiting[lane].shift(); next !== undefined; next = this.waiting[lane].shift()) {
      if (next.isGone()) {
        next.tell({ kind: 'gone' });
        continue;
      }
      this.underWay[lane] += 1;
      next.tell({ kind: 'admitted', leave: (bytes) => this.leave(lane, bytes) });
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

  /** Who came first waits longest, so only the heads of the queues can be late. */
  private refuseLate(): void {
    const now = this.surroundings.now();
    for (const lane of LANES) {
      const queue = this.waiting[lane];
      const before = now - (lane === 'probe' ? PROBE_WAIT_MS : this.limits.maxWaitMs);
      if ((queue[0]?.since ?? Infinity) > before) continue;
      const inTime = queue.findIndex(({ since }) => since > before);
      for (const { tell } of queue.splice(0, inTime < 0 ? queue.length : inTime)) tell({ kind: 'busy' });
    }
  }

  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    this.surroundings.after(LOOK_MS, () => {
      this.watching = false;
      this.refuseLate();
      if (LANES.some((lane) => this.waiting[lane].length > 0)) this.watch();
    });
  }
}
