import { Counter } from 'prom-client';
import { MetricsRegistry } from '../../metrics/metrics-registry.js';
import { TOKEN_FAULTS, type TokenOutcome } from './token-verifier.js';

const OUTCOMES = ['remembered', 'verified', 'unusable-user', 'keys-unavailable', ...TOKEN_FAULTS] as const;

export type TokenMetricOutcome = (typeof OUTCOMES)[number];

/** Counts tokens by what they were worth. Nothing that a caller sends becomes a label. */
export class TokenMetrics {
  private readonly counters: Readonly<Record<TokenMetricOutcome, Counter.Internal>>;

  constructor(registry: MetricsRegistry) {
    const tokens = new Counter({
      name: 'coupon_tokens_verified_total',
      help: 'Tokens of callers by outcome; remembered: it was verified within the last minute',
      labelNames: ['outcome'],
      registers: [registry],
    });
    const entries = OUTCOMES.map((outcome) => [outcome, tokens.labels(outcome.replaceAll('-', '_'))] as const);
    // A series that begins at 0 shows its first increase.
    for (const [, counter] of entries) counter.inc(0);
    this.counters = Object.fromEntries(entries) as Record<TokenMetricOutcome, Counter.Internal>;
  }

  count(outcome: TokenMetricOutcome): void {
    this.counters[outcome].inc();
  }

  countNew(outcome: TokenOutcome): void {
    if (outcome.kind === 'invalid') this.count(outcome.why);
    else this.count(outcome.kind === 'user' ? 'verified' : outcome.kind);
  }
}
