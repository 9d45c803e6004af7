import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { EventStreams } from '../../platform/http/streams/event-streams.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** Who watches campaigns as a stream. */
@Injectable()
export class LiveMetrics {
  constructor(registry: MetricsRegistry, streams: EventStreams) {
    new Gauge({
      name: 'coupon_live_watchers',
      help: 'Callers that watch a campaign as a stream now',
      labelNames: ['kind'],
      registers: [registry],
      collect() {
        for (const kind of ['public', 'operator'] as const) this.set({ kind }, streams.size(kind));
      },
    });
    new Counter({
      name: 'coupon_live_dropped_total',
      help: 'Watchers whose stream was ended because they did not take what was sent',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(streams.counts.dropped);
      },
    });
    new Counter({
      name: 'coupon_live_refused_total',
      help: 'Watchers that were answered 503 because there were LIVE_MAX_WATCHERS already',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(streams.counts.refused);
      },
    });
  }
}
