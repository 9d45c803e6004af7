import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** `unchecked`: a token was given although the challenge could not be judged (CHALLENGE_FAIL=open). */
const OUTCOMES = ['admitted', 'unchecked', 'failed', 'unavailable'] as const;

/** Counts calls for an entry token. */
@Injectable()
export class EntryMetrics {
  private readonly entries: Counter<'outcome'>;

  constructor(registry: MetricsRegistry) {
    this.entries = new Counter({
      name: 'coupon_entries_total',
      help: 'Calls for an entry token by what became of them; unchecked: let in although no one could judge the challenge',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of OUTCOMES) this.entries.inc({ outcome }, 0);
  }

  count(outcome: (typeof OUTCOMES)[number]): void {
    this.entries.inc({ outcome });
  }
}
