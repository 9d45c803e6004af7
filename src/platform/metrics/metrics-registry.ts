import { collectDefaultMetrics, Registry } from 'prom-client';

/** Gauges with the ending of a counter; `promtool check metrics` refuses them. Each is the sum of another one, by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** One registry for each application. With the library's global registry, two applications in one test would collide. */
export class MetricsRegistry extends Registry {
  /** A registry that already holds the metrics of Node itself. */
  static ofProcess(): MetricsRegistry {
    const registry = new MetricsRegistry();
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    return registry;
  }
}
