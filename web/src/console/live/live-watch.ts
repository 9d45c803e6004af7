import { effect, signal } from '@preact/signals';
import { attempt, type Failure } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { lookForNewerBuild } from '../../shared/newer-build.ts';
import { session } from '../session.ts';
import { EventParser } from './event-parser.ts';
import { keepNewest, type LiveSample } from './samples.ts';

/** A sample comes each second. After so long without one the numbers are old, ms. */
const SILENT_MS = 4_000;
/** A connection that is silent for so long is given up, ms: a frozen process closes none. */
const DEAD_MS = 12_000;
const RETRY_MS = { first: 1_000, most: 5_000 };

/** What the page knows of its connection. */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Nothing has come since then, ms by the clock of this device. It is tried again. */
  | { readonly kind: 'lost'; readonly since: number; readonly failure: Failure | null }
  /** The service will not say more when it is asked again. */
  | { readonly kind: 'refused'; readonly failure: Failure };

/** Watches one campaign: connects again after every end, behind the last sample that it has seen. */
export class LiveWatch {
  readonly link = signal<Link>({ kind: 'connecting' });
  /** The samples of the last 15 minutes, the oldest first. */
  readonly samples = signal<readonly LiveSample[]>([]);
  /** The last one, which has everything in it. */
  readonly last = signal<LiveSample | null>(null);
  private lastId = '';
  private heardAt = Date.now();
  private connection: AbortController | null = null;
  private isStopped = false;
  private wake: (() => void) | null = null;

  constructor(private readonly campaignId: string) {}

  /** @returns what ends it. */
  start(): () => void {
    const beat = setInterval(() => this.lookAtClock(), 1_000);
    const online = (): void => this.wake?.();
    addEventListener('online', online);
    // Whoever has signed in again goes on watching at once.
    const stopEffect = effect(() => {
      if (session.value.kind === 'in') this.wake?.();
    });
    void this.run();
    return () => {
      this.isStopped = true;
      clearInterval(beat);
      removeEventListener('online', online);
      stopEffect();
      this.connection?.abort();
      this.wake?.();
    };
  }

  private async run(): Promise<void> {
    let wait = RETRY_MS.first;
    while (!this.isStopped) {
      const parser = new EventParser();
      const failure = await this.connect(parser);
      if (this.isStopped) return;
      if (isFinal(failure)) {
        this.link.value = { kind: 'refused', failure };
        return;
      }
      wait = failure === null ? RETRY_MS.first : Math.min(RETRY_MS.most, wait * 1.5);
      this.lose(failure);
      await this.pause(parser.retryMs ?? wait * (0.75 + Math.random() / 2));
    }
  }

  /** Reads until the stream ends. @returns why there was none; null where it has ended in order, or broke. */
  private async connect(parser: EventParser): Promise<Failure | null> {
    this.connection = new AbortController();
    this.heardAt = Date.now();
    const headers = this.lastId === '' ? {} : { 'Last-Event-ID': this.lastId };
    const params = { query: { campaignId: this.campaignId } };
    const { signal } = this.connection;
    const outcome = await attempt<ReadableStream<Uint8Array> | null>(
      api.GET('/api/admin/live', { params, headers, signal, parseAs: 'stream' }),
    );
    if (!outcome.ok) return outcome.failure;
    const reader = outcome.data
      ?.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .getReader();
    try {
      for (;;) {
        const piece = await reader?.read();
        if (piece === undefined || piece.done) return null;
        this.take(parser.push(piece.value));
      }
    } catch {
      return null;
    }
  }

  private take(events: readonly { readonly id: string; readonly data: string }[]): void {
    this.heardAt = Date.now();
    if (events.length === 0) return;
    const arrived = events.map(({ data }) => JSON.parse(data) as LiveSample);
    this.lastId = events[events.length - 1]?.id ?? this.lastId;
    this.samples.value = keepNewest(this.samples.value, arrived);
    const newest = this.samples.value[this.samples.value.length - 1];
    if (newest !== undefined && !newest.replayed) this.last.value = newest;
    // A service that was away may have come back as another version.
    if (this.link.value.kind === 'lost') void lookForNewerBuild('console');
    this.link.value = { kind: 'live' };
  }

  private lookAtClock(): void {
    const silent = Date.now() - this.heardAt;
    if (this.link.value.kind === 'live' && silent > SILENT_MS) this.lose(null);
    if (silent > DEAD_MS) this.connection?.abort();
  }

  private lose(failure: Failure | null): void {
    const { value } = this.link;
    if (value.kind === 'lost') this.link.value = { ...value, failure: failure ?? value.failure };
    else this.link.value = { kind: 'lost', since: this.heardAt, failure };
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // Behind the question to sign in again nothing is asked: who signs in wakes it.
      const timer = session.peek().kind === 'over' ? undefined : setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Asking again would be answered the same. A session that is over is asked for again by the frame. */
function isFinal(failure: Failure | null): failure is Failure {
  return failure?.kind === 'refused' && [400, 403, 404].includes(failure.problem.status);
}
