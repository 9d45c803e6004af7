import { connect, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

/** This many claims a second, each at its planned time, whether earlier ones are answered or not. */
export interface OpenLoopPlan {
  readonly url: string;
  /** Requested in turn if there are several. */
  readonly campaignIds: readonly string[];
  /** Every claim has a new user, whose id begins with this. */
  readonly users: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Seconds of load before that do not count: at first this process compiles its own code. */
  readonly warmUpSeconds?: number;
}

/** Times in ms. */
export interface OpenLoopResult {
  readonly requests: number;
  /** Answers that were not 2xx. */
  readonly refused: number;
  /** Calls whose connection failed, and calls without an answer in time. */
  readonly broken: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The p99 of how late the generator itself noticed that a call was due. It is part of the times above. */
  readonly ownDelay: number;
  /** The p99 of the times after that, so without the generator's own delay. */
  readonly p99SinceNoticed: number;
}

/** How long the loop waits for answers after the last call, ms. */
const GRACE_MS = 5_000;
/** Between two attempts to connect, ms. */
const RECONNECT_MS = 50;
const END_OF_HEAD = '\r\n\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;
const TWO = 0x32;

/**
 * An open loop, corrected for coordinated omission: a call's time begins when the call is due, so waiting for a free
 * connection counts. It uses bare sockets, because it shares the machine with the service: a call takes half of the
 * processor time of `node:http`. It reads only answers with a Content-Length, as the service and its yardsticks send
 * them.
 *
 * @throws if no connection can be opened at the beginning.
 */
export async function openLoop(plan: OpenLoopPlan): Promise<OpenLoopResult> {
  const run = new OpenLoop(plan);
  await run.connect();
  return run.measure();
}

class OpenLoop {
  private readonly total: number;
  /** How many calls at the beginning do not count. */
  private readonly warmUp: number;
  private readonly gap: number;
  /** From the due instant to the answer; negative while there is none. */
  private readonly times: Float64Array;
  private readonly ownDelays: Float64Array;
  private readonly open = new Set<Connection>();
  private readonly idle: Connection[] = [];
  private start = 0;
  /** Calls are numbered in the order in which they are due. Calls below this number are due or sent. */
  private due = 0;
  private sent = 0;
  private settled = 0;
  private refused = 0;
  private broken = 0;
  private over: (() => void) | undefined;

  constructor(private readonly plan: OpenLoopPlan) {
    this.warmUp = Math.round(plan.perSecond * (plan.warmUpSeconds ?? 0));
    this.total = this.warmUp + Math.max(1, Math.round(plan.perSecond * plan.seconds));
    this.gap = 1_000 / plan.perSecond;
    this.times = new Float64Array(this.total).fill(-1);
    this.ownDelays = new Float64Array(this.total);
  }

  async connect(): Promise<void> {
    await Promise.all(Array.from({ length: this.plan.connections }, () => this.add()));
  }

  async measure(): Promise<OpenLoopResult> {
    const ended = new Promise<void>((resolve) => (this.over = resolve));
    this.start = performance.now();
    this.tick();
    const patience = setTimeout(() => this.over?.(), this.total * this.gap + GRACE_MS);
    await ended;
    clearTimeout(patience);
    this.over = undefined;
    const now = performance.now();
    for (const [call, time] of this.times.entries()) {
      if (time < 0) this.settle(call, now, 'broken');
    }
    for (const connection of this.open) connection.end();
    const { refused, broken, total: requests } = this;
    const ownDelays = this.ownDelays.subarray(this.warmUp);
    const times = this.times.subarray(this.warmUp);
    const sinceNoticed = times.map((time, call) => time - (ownDelays[call] as number)).sort();
    times.sort();
    return {
      requests,
      refused,
      broken,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      max: percentile(times, 1),
      ownDelay: percentile(ownDelays.sort(), 0.99),
      p99SinceNoticed: percentile(sinceNoticed, 0.99),
    };
  }

  /**
   * Sends the calls that have become due since the last tick. Timers cannot be shorter than 1 ms, so it is several at
   * once.
   */
  private tick(): void {
    const now = performance.now();
    while (this.due < this.total && this.dueAt(this.due) <= now) {
      this.ownDelays[this.due] = now - this.dueAt(this.due);
      this.due += 1;
    }
    this.send();
    if (this.due < this.total && this.over !== undefined) {
      setTimeout(() => this.tick(), this.dueAt(this.due) - performance.now());
    }
  }

  private send(): void {
    while (this.sent < this.due) {
      const connection = this.idle.shift();
      if (connection === undefined) return;
      const call = this.sent++;
      const { campaignIds, users } = this.plan;
      const userId = `${users}-${call}`;
      connection.ask(call, `{"userId":"${userId}","campaignId":"${campaignIds[call % campaignIds.length]}"}`);
    }
  }

  private dueAt(call: number): number {
    return this.start + call * this.gap;
  }

  private settle(call: number, now: number, outcome: 'accepted' | 'refused' | 'broken'): void {
    this.times[call] = now - this.dueAt(call);
    if (outcome === 'refused') this.refused += 1;
    if (outcome === 'broken') this.broken += 1;
    this.settled += 1;
    if (this.settled === this.total) this.over?.();
  }

  private async add(): Promise<void> {
    const connection = new Connection(new URL(this.plan.url), {
      answered: (call, accepted) => {
        this.settle(call, performance.now(), accepted ? 'accepted' : 'refused');
        this.idle.push(connection);
        this.send();
      },
      closed: (call) => {
        this.open.delete(connection);
        const at = this.idle.indexOf(connection);
        if (at >= 0) this.idle.splice(at, 1);
        if (this.over === undefined) return;
        if (call !== undefined) this.settle(call, performance.now(), 'broken');
        setTimeout(() => this.replace(), RECONNECT_MS);
      },
    });
    await connection.ready;
    this.open.add(connection);
    this.idle.push(connection);
  }

  private replace(): void {
    if (this.over === undefined) return;
    this.add().then(
      () => (this.over === undefined ? this.open.forEach((connection) => connection.end()) : this.send()),
      () => undefined,
    );
  }
}

interface Events {
  answered(call: number, accepted: boolean): void;
  /** Called also if the connection never opened. `call` got no answer. */
  closed(call: number | undefined): void;
}

/** One connection that is kept alive, with at most one call under way. */
class Connection {
  readonly ready: Promise<void>;
  private readonly socket: Socket;
  private readonly head: string;
  private call: number | undefined;
  private received: Buffer = Buffer.alloc(0);

  constructor(
    { hostname, port, host }: URL,
    private readonly events: Events,
  ) {
    this.head =
      `POST /api/coupons/apply HTTP/1.1\r\nHost: ${host}\r\n` + 'Content-Type: application/json\r\nContent-Length: ';
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.ready = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve).once('error', reject);
    });
    this.socket.on('data', (chunk: Buffer) => this.read(chunk)).on('close', () => events.closed(this.call));
  }

  ask(call: number, body: string): void {
    this.call = call;
    this.socket.write(`${this.head}${body.length}${END_OF_HEAD}${body}`);
  }

  end(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headLength = this.received.indexOf(END_OF_HEAD);
    if (headLength < 0) return;
    const head = this.received.toString('latin1', 0, headLength);
    const bodyLength = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    // This cannot be read as an answer. The connection ends, and the call counts as one without an answer.
    if (Number.isNaN(bodyLength) || this.call === undefined) return this.end();
    if (this.received.length < headLength + END_OF_HEAD.length + bodyLength) return;
    const accepted = this.received[STATUS_AT] === TWO;
    this.received = Buffer.alloc(0);
    const call = this.call;
    this.call = undefined;
    this.events.answered(call, accepted);
  }
}

/** The percentile of sorted values: the smallest value that this part of them does not exceed. */
function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
}

// Runs in its own process, so that other work of the bench does not delay it.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const result = await openLoop(JSON.parse(process.argv[2] ?? '') as OpenLoopPlan);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
