import { collectDefaultMetrics, Registry } from 'prom-client';

/** One registry for each application. With the library's global registry, two applications in one test would collide. */
export class MetricsRegistry extends Registry {
  /** A registry that already holds the metrics of Node itself. */
  static ofProcess(): MetricsRegistry {
    const registry = new MetricsRegistry();
    collectDefaultMetrics({ register: registry });
    return registry;
  }
}
