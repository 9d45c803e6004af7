import { Counter, Gauge, type Registry } from 'prom-client';
import { type Connections, SHED_REASONS } from './connections.js';

/** The number of connections, and how many the service closed. Read when the metrics are asked for. */
export class ConnectionMetrics {
  /** @param operators those of the operators' own port, if there is one: only what was closed of them is counted. */
  constructor(registry: Registry, connections: Connections, operators?: Connections) {
    new Gauge({
      name: 'coupon_http_connections',
      help: 'Open connections of callers',
      registers: [registry],
      collect() {
        this.set(connections.size);
      },
    });
    new Gauge({
      name: 'coupon_http_connections_max',
      help: 'Connections of callers that may be open',
      registers: [registry],
    }).set(connections.most);
    new Counter({
      name: 'coupon_http_connections_shed_total',
      help: 'Connections that the service closed, by reason: idle, full, address, unread, memory, accept',
      labelNames: ['reason'],
      registers: [registry],
      collect() {
        this.reset();
        for (const reason of SHED_REASONS) {
          this.inc({ reason }, connections.shedFor(reason) + (operators?.shedFor(reason) ?? 0));
        }
      },
    });
  }
}
