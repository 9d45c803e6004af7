import { type StreamKind } from '../../platform/http/streams/event-streams.js';
import { eventFrame } from '../../platform/http/streams/event-frames.js';
import { type EventStream } from '../../platform/http/streams/event-stream.js';
import { type ProcessReport } from '../../ports/live/process-board.js';
import { type CampaignReading } from './campaign-readings.js';
import { liveSampleJson, type MeasuredDrift, publicLiveSampleJson } from './live-json.js';
import { SampleHistory } from './sample-history.js';
import { TrafficMeter } from './traffic-meter.js';

/** How far back a chart goes, ms. One that nobody watches any more is kept for as long. */
export const HISTORY_MS = 900_000;
/** A sample for the public that is like the last one is sent again after this time, ms. */
const REPEAT_MS = 15_000;

/** What the board showed: all processes, or this one alone when the board did not answer. */
export interface BoardReading {
  readonly reports: readonly ProcessReport[];
  readonly complete: boolean;
}

/** One campaign that is watched: who watches it, and the frames that all of them share. */
export class LiveFeed {
  private readonly streams: Record<StreamKind, Set<EventStream>> = { public: new Set(), operator: new Set() };
  private history = newHistory();
  /** From the first operator who watches on: what the public sees needs none. */
  private meter: TrafficMeter | null = null;
  /** What the public was sent last, and of which reading the frame is; undefined: it is not encoded yet. */
  private publicShown = '';
  private publicFrame: Buffer | null | undefined;
  private publicSentAt = -Infinity;
  private operatorFrame: Buffer | null = null;
  private operatorLeftAt = -Infinity;

  constructor(
    readonly campaignId: string,
    private reading: CampaignReading,
  ) {}

  get isForOperators(): boolean {
    return this.meter !== null;
  }

  /** The instant of the last sample, ms by the gate's clock. */
  get at(): number {
    return this.reading.at;
  }

  /** Until an operator watches again, the campaign is sampled for the public alone. */
  forgetCharts(): void {
    this.meter = null;
    this.operatorFrame = null;
    this.history = newHistory();
  }

  streamsOf(kind: StreamKind): ReadonlySet<EventStream> {
    return this.streams[kind];
  }

  /** @param now monotonic, ms. */
  isIdle(now: number): boolean {
    const { public: everybody, operator } = this.streams;
    if (operator.size > 0) this.operatorLeftAt = now;
    if (this.meter !== null && now - this.operatorLeftAt > HISTORY_MS) this.forgetCharts();
    return everybody.size === 0 && this.meter === null;
  }

  add(kind: StreamKind, stream: EventStream): void {
    const streams = this.streams[kind];
    streams.add(stream);
    stream.onClose(() => streams.delete(stream));
  }

  /** Takes the reading of this second. */
  update(reading: CampaignReading): void {
    this.reading = reading;
    this.publicFrame = undefined;
  }

  /** The sample of this second for everybody; null while nothing is known of the campaign. */
  publicFrameNow(): Buffer | null {
    if (this.publicFrame === undefined) {
      const json = publicLiveSampleJson(this.reading);
      this.publicFrame = json === null ? null : eventFrame(json, json.at);
    }
    return this.publicFrame;
  }

  /** The same, to be sent to everybody; null when nothing has changed since the last one. @param now monotonic, ms. */
  publicFrameDue(now: number): Buffer | null {
    const { state, remaining, campaign } = this.reading;
    const shown = `${state} ${remaining} ${campaign?.soldOutAt} ${campaign?.version}`;
    if (shown === this.publicShown && now - this.publicSentAt < REPEAT_MS) return null;
    const frame = this.publicFrameNow();
    if (frame === null) return null;
    this.publicShown = shown;
    this.publicSentAt = now;
    return frame;
  }

  /** Makes the sample of this second for operators. @returns its frame. */
  sampleForOperators({ reports, complete }: BoardReading, drift: MeasuredDrift | null): Buffer {
    this.meter ??= new TrafficMeter(this.campaignId);
    const json = liveSampleJson(this.campaignId, this.reading, this.meter.observe(reports, complete), drift);
    this.operatorFrame = eventFrame(json, json.at);
    this.history.add(json.at, eventFrame({ ...json, processes: [], replayed: true }, json.at));
    return this.operatorFrame;
  }

  /** What an operator gets first: what it has missed, and the last sample whole. @param after the last one it has seen. */
  framesFrom(after: number | null): Buffer {
    const missed = this.history.since(after);
    // The last one of these is the same sample without its processes.
    return Buffer.concat([...missed.slice(0, -1), ...(this.operatorFrame === null ? [] : [this.operatorFrame])]);
  }
}

function newHistory(): SampleHistory {
  return new SampleHistory(HISTORY_MS / 1_000);
}
