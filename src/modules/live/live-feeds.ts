import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Clock } from '../../platform/flow/clock.js';
import { EverySecond } from '../../platform/flow/every-second.js';
import { Timers } from '../../platform/flow/timers.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { EventStreams, type StreamKind } from '../../platform/http/streams/event-streams.js';
import { KnownDrifts } from '../../ports/live/known-drifts.js';
import { ProcessBoard } from '../../ports/live/process-board.js';
import { type CampaignReading, CampaignReadings } from './campaign-readings.js';
import { CounterPublisher } from './counter-publisher.js';
import { type BoardReading, LiveFeed } from './live-feed.js';
import { type MeasuredDrift } from './live-json.js';
import { instantOfEventId } from './sample-history.js';

/** The point of the second at which samples are made, ms: processes write their counters at its beginning. */
const SAMPLED_AT_MS = 150;
/** Campaigns whose last 15 minutes are kept at once: about 1 MB each. */
const MAX_FOR_OPERATORS = 32;
/** Campaigns that are watched at once. Those that the public does not watch are opened for operators all the same. */
const MAX_FEEDS = { public: 1_000, operator: 1_000 + 2 * MAX_FOR_OPERATORS } as const satisfies Record<
  StreamKind,
  number
>;

/**
 * The campaigns that are watched at this process. Each has one sample a second however many watch it: one reading of
 * gate, database and board for all campaigns together, and one encoded frame for all watchers of a campaign.
 */
@Injectable()
export class LiveFeeds implements OnModuleDestroy {
  private readonly feeds = new Map<string, LiveFeed>();
  /** Campaigns that are read for their first watcher. */
  private readonly opening = new Map<string, Promise<LiveFeed>>();
  private readonly seconds: EverySecond;

  constructor(
    private readonly readings: CampaignReadings,
    private readonly board: ProcessBoard,
    private readonly publisher: CounterPublisher,
    private readonly drifts: KnownDrifts,
    private readonly streams: EventStreams,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    this.seconds = new EverySecond(clock, timers, SAMPLED_AT_MS, () => this.sample());
  }

  /** Answers with what everybody may watch. @throws Problem */
  async watch(campaignId: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.streams.admit('public');
    const feed = await this.feedOf(campaignId, 'public');
    const first = feed.publicFrameNow();
    if (first === null) throw new Problem('database-unavailable');
    const stream = this.streams.begin(request, reply, 'public', first);
    if (stream !== null) feed.add('public', stream);
  }

  /**
   * Answers with everything, beginning behind the sample that the caller has seen last.
   * @param mayStay asked every now and then: the caller’s credential may have been taken back.
   * @throws Problem
   */
  async watchAsOperator(
    campaignId: string,
    request: FastifyRequest,
    reply: FastifyReply,
    mayStay: () => Promise<boolean>,
  ): Promise<void> {
    this.streams.admit('operator');
    const feed = await this.feedOf(campaignId, 'operator');
    if (!feed.isForOperators) {
      this.makeRoom();
      feed.sampleForOperators(await this.readBoard([campaignId]), this.driftOf(campaignId));
    }
    const seen = instantOfEventId(request.headers['last-event-id'] as string | undefined, feed.at);
    const stream = this.streams.begin(request, reply, 'operator', feed.framesFrom(seen), mayStay);
    if (stream !== null) feed.add('operator', stream);
  }

  onModuleDestroy(): void {
    void this.seconds.stop();
  }

  /** One sample of every campaign that is watched. Never rejects. */
  async sample(): Promise<void> {
    const now = this.clock.monotonic();
    for (const [id, feed] of this.feeds) if (feed.isIdle(now)) this.feeds.delete(id);
    if (this.feeds.size === 0) {
      void this.seconds.stop();
      return;
    }
    const readings = await this.readings.read([...this.feeds.keys()]);
    const watched = [...this.feeds.values()].filter((feed) => feed.isForOperators).map((feed) => feed.campaignId);
    const board = watched.length === 0 ? null : await this.readBoard(watched);
    // One that was opened during the reading has its own.
    const read = [...this.feeds.values()].filter((feed) => readings.has(feed.campaignId));
    for (const feed of read) {
      feed.update(readings.get(feed.campaignId) as CampaignReading);
      if (board === null || !feed.isForOperators) continue;
      const frame = feed.sampleForOperators(board, this.driftOf(feed.campaignId));
      await this.streams.send(feed.streamsOf('operator'), frame);
    }
    // After the operators: the public may be ten thousand.
    for (const feed of read) {
      const due = feed.publicFrameDue(now);
      if (due !== null) await this.streams.send(feed.streamsOf('public'), due);
    }
  }

  /** @throws Problem `campaign-not-found`, `database-unavailable`, or `too-many-watchers` of too many campaigns */
  private async feedOf(campaignId: string, kind: StreamKind): Promise<LiveFeed> {
    const known = this.feeds.get(campaignId);
    if (known !== undefined) return known;
    const opened = this.opening.get(campaignId);
    if (opened === undefined && this.feeds.size + this.opening.size >= MAX_FEEDS[kind]) {
      throw new Problem('too-many-watchers');
    }
    const opening = opened ?? this.open(campaignId);
    this.opening.set(campaignId, opening);
    try {
      return await opening;
    } finally {
      this.opening.delete(campaignId);
    }
  }

  private async open(campaignId: string): Promise<LiveFeed> {
    const reading = (await this.readings.read([campaignId])).get(campaignId);
    if (reading === undefined) throw new Problem('campaign-not-found');
    // Whether there is such a campaign is not known.
    if (reading.campaign === null) throw new Problem('database-unavailable');
    const feed = new LiveFeed(campaignId, reading);
    this.feeds.set(campaignId, feed);
    this.seconds.start();
    return feed;
  }

  /** Forgets the charts of campaigns that no operator watches when too many are kept. */
  private makeRoom(): void {
    const kept = [...this.feeds.values()].filter((feed) => feed.isForOperators);
    if (kept.length < MAX_FOR_OPERATORS) return;
    const unwatched = kept.find((feed) => feed.streamsOf('operator').size === 0);
    if (unwatched === undefined) throw new Problem('too-many-watchers');
    unwatched.forgetCharts();
  }

  private async readBoard(campaignIds: readonly string[]): Promise<BoardReading> {
    const { installation } = this.publisher;
    const alone = { reports: [this.publisher.report()], complete: false };
    if (installation === null) return alone;
    try {
      const reports = await this.board.read(installation, campaignIds);
      return { reports, complete: true };
    } catch {
      // The publisher logs that the board is away.
      return alone;
    }
  }

  private driftOf(campaignId: string): MeasuredDrift | null {
    const known = this.drifts.of(campaignId);
    if (known === null) return null;
    return { drift: known.drift, ageMs: Math.max(0, this.clock.monotonic() - known.measuredAt) };
  }
}
