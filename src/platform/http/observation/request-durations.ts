import { type Metric, type MetricValueWithName, type Registry } from 'prom-client';
import { type Exemplar } from '../../metrics/open-metrics.js';

const NAME = 'coupon_http_request_duration_seconds';

/** Upper bounds, s. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface DurationValue extends MetricValueWithName<string> {
  exemplar?: Exemplar;
}

/** One series: the answers with one route, method and status. */
class Series {
  /**
   * One count for each bound: the answers that took at most this long and longer than the bound before. The last count
   * is for answers above all bounds.
   */
  readonly counts = new Float64Array(BOUNDS.length + 1);
  /** Seconds. */
  sum = 0;
  /** The last traced answer of each bucket; null until there is one. */
  private exemplars: Exemplar[] | null = null;

  observe(seconds: number, traceId?: string): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += seconds;
    if (traceId === undefined) return;
    this.exemplars ??= [];
    this.exemplars[bucket] = { labelSet: { trace_id: traceId }, value: seconds, timestamp: Date.now() / 1_000 };
  }

  *values(labels: Readonly<Record<string, string | number>>): Generator<DurationValue> {
    let below = 0;
    for (const [index, count] of this.counts.entries()) {
      below += count;
      const exemplar = this.exemplars?.[index];
      const value = { metricName: `${NAME}_bucket`, labels: { le: BOUNDS[index] ?? '+Inf', ...labels }, value: below };
      yield exemplar === undefined ? value : { ...value, exemplar };
    }
    yield { metricName: `${NAME}_sum`, labels, value: this.sum };
    yield { metricName: `${NAME}_count`, labels, value: below };
  }
}

/** The answers of one route. The hot path holds this object, so it never looks up a route. */
export class RouteDurations {
  private readonly series = new Map<string, Map<number, Series>>();

  observe(method: string, status: number, seconds: number, traceId?: string): void {
    let ofMethod = this.series.get(method);
    if (ofMethod === undefined) this.series.set(method, (ofMethod = new Map()));
    let series = ofMethod.get(status);
    if (series === undefined) ofMethod.set(status, (series = new Series()));
    series.observe(seconds, traceId);
  }

  *values(route: string): Generator<DurationValue> {
    for (const [method, ofMethod] of this.series) {
      for (const [status, series] of ofMethod) yield* series.values({ method, route, status });
    }
  }
}

/**
 * `coupon_http_request_duration_seconds{method,route,status}`. Routes are patterns, so callers cannot add series.
 *
 * prom-client's own histogram checks and hashes the labels at each observation. That takes 0.5 µs, while a whole
 * refusal takes 28 µs. This class takes 0.01 µs.
 */
export class RequestDurations {
  private readonly routes = new Map<string, RouteDurations>();

  /** @param route its pattern, such as `/api/campaigns/:campaignId`. */
  of(route: string): RouteDurations {
    let durations = this.routes.get(route);
    if (durations === undefined) this.routes.set(route, (durations = new RouteDurations()));
    return durations;
  }

  exportTo(registry: Registry): void {
    const metric = { name: NAME, get: () => Promise.resolve(this.read()), reset: () => this.routes.clear() };
    // The registry only uses these members; prom-client's type is the union of its own classes.
    registry.registerMetric(metric as unknown as Metric);
  }

  private read() {
    return {
      name: NAME,
      help: 'Seconds from the headers of a request to its answer being handed to the socket',
      type: 'histogram',
      aggregator: 'sum',
      values: [...this.routes].flatMap(([route, durations]) => [...durations.values(route)]),
    };
  }
}
