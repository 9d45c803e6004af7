import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { AppConfig } from '../../config/env.js';
import { Clock } from '../../flow/clock.js';
import { Entropy } from '../../flow/entropy.js';
import { PeriodicTask } from '../../flow/periodic-task.js';
import { Seldom } from '../../flow/seldom.js';
import { Timers } from '../../flow/timers.js';
import { callersDescriptors, mostConnections } from '../connections/descriptor-limit.js';
import { Pipeline } from '../connections/pipeline.js';
import { Problem } from '../problem/problem.js';
import { HEARTBEAT, retryFrame } from './event-frames.js';
import { EventStream } from './event-stream.js';

const HEARTBEAT_MS = 15_000;
/** How often it is asked whether callers may still watch, ms. What is asked knows of a revoked key within five seconds. */
const JUDGED_MS = 1_000;
/** Streams that get a frame in one turn of the event loop: claims do not wait longer than for these, about a ms. */
const SENT_AT_ONCE = 64;
/** Callers whose connection ends connect again after a time in this range, ms: at random, or all would come together. */
const RETRY_MS = { min: 1_000, max: 5_000 };
/** Operators have these above the limit: who looks into a flood must not be kept out by it. */
const FOR_OPERATORS = 100;
const LOG_INTERVAL_MS = 60_000;

/** Who watches. A limit that the public uses up leaves room for operators. */
export type StreamKind = 'public' | 'operator';

interface Counts {
  dropped: number;
  refused: number;
}

/**
 * All open streams of server-sent events of this process: how many there may be, their heartbeat, and their end. A stream
 * takes a connection and nothing else: it is no read that others wait behind, and its duration is not measured.
 */
@Injectable()
export class EventStreams implements OnModuleDestroy {
  readonly counts: Counts = { dropped: 0, refused: 0 };
  private readonly logger = new Logger('EventStreams');
  private readonly open: Record<StreamKind, Set<EventStream>> = { public: new Set(), operator: new Set() };
  private readonly heartbeats: PeriodicTask;
  private readonly judgements: PeriodicTask;
  private readonly seldom: Seldom;
  private stopping = false;
  /** Streams for everybody: as configured, but at most half of the connections, since claims need the others. */
  private readonly most: number;

  constructor(
    { http, admin }: AppConfig,
    clock: Clock,
    private readonly timers: Timers,
    private readonly entropy: Entropy,
  ) {
    const connections = mostConnections(http.maxConnections, callersDescriptors(admin !== undefined));
    // mutant: watchers-take-all-connections
    this.most = Math.min(http.maxWatchers, Math.floor(connections / 2));
    this.heartbeats = new PeriodicTask(timers, HEARTBEAT_MS, () => this.beat());
    this.judgements = new PeriodicTask(timers, JUDGED_MS, () => this.judge());
    this.seldom = new Seldom(clock, LOG_INTERVAL_MS);
  }

  size(kind: StreamKind): number {
    return this.open[kind].size;
  }

  /** @throws Problem `too-many-watchers`; asked before anything is read for the caller. */
  admit(kind: StreamKind): void {
    const most = kind === 'public' ? this.most : this.most + FOR_OPERATORS;
    if (this.open.public.size + this.open.operator.size < most) return;
    this.counts.refused += 1;
    void this.seldom.run('refused', async () =>
      this.logger.warn(`more than ${this.most} callers want to watch; the others are answered 503`),
    );
    throw new Problem('too-many-watchers');
  }

  /**
   * Answers the request with a stream, and this frame as its first one. The route has `IsStream`.
   *
   * @param mayStay asked every second; null: the stream needs no credential.
   * @returns null when there is nothing more to send: the caller asked with HEAD, has hung up, has sent more behind
   * its request, or the process stops.
   * @throws Problem `too-many-watchers`
   */
  begin(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: StreamKind,
    first: Buffer,
    mayStay: (() => Promise<boolean>) | null = null,
  ): EventStream | null {
    this.admit(kind);
    // nginx would hold back frames until it has some KB of them.
    reply.header('content-type', 'text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').hijack();
    const { raw } = reply;
    // The stream ends with its connection. Without chunks, one frame is one write, and the same bytes for everybody.
    raw.removeHeader('transfer-encoding');
    raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    const retry = retryFrame(this.retryMs());
    const { socket } = request.raw;
    // Requests behind a stream would wait in memory for its end.
    const isLast = Pipeline.beginStream(socket, raw);
    const hasHungUp = socket.destroyed || socket.readableEnded;
    if (request.method === 'HEAD' || this.stopping || hasHungUp || !isLast) {
      raw.end(request.method === 'HEAD' ? undefined : retry);
      return null;
    }
    raw.write(Buffer.concat([retry, first]));
    const stream = new EventStream(raw, socket, mayStay);
    const streams = this.open[kind];
    streams.add(stream);
    stream.onClose(() => streams.delete(stream));
    this.heartbeats.start(HEARTBEAT_MS);
    if (mayStay !== null) this.judgements.start(JUDGED_MS);
    return stream;
  }

  /** Sends a frame to each of these, a few in a turn. */
  async send(streams: Iterable<EventStream>, frame: Buffer): Promise<void> {
    let sent = 0;
    for (const stream of streams) {
      if (!stream.send(frame)) this.counts.dropped += 1;
      sent += 1;
      if (sent % SENT_AT_ONCE === 0) await this.timers.nextTurn();
    }
  }

  /** Ends a stream whose campaign is gone, or whose caller may not watch any more. */
  end(stream: EventStream): void {
    stream.end(retryFrame(this.retryMs()));
  }

  /** The first thing of a stop: callers connect to another process while this one still answers what it has begun. */
  onModuleDestroy(): void {
    this.stopping = true;
    void this.heartbeats.stop();
    void this.judgements.stop();
    for (const streams of Object.values(this.open)) for (const stream of streams) this.end(stream);
  }

  /** Sends a heartbeat to all. */
  async beat(): Promise<void> {
    for (const streams of Object.values(this.open)) await this.send(streams, HEARTBEAT);
  }

  /** Ends the streams of those who may not watch any more. */
  async judge(): Promise<void> {
    for (const streams of Object.values(this.open)) {
      for (const stream of streams) {
        // mutant: a-revoked-key-watches
        if (stream.mayStay !== null && !(await stream.mayStay())) this.end(stream);
      }
    }
  }

  private retryMs(): number {
    return Math.round(RETRY_MS.min + this.entropy.fraction() * (RETRY_MS.max - RETRY_MS.min));
  }
}
