import { statfs } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { type MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/**
 * Free space of the disk that holds coupons and journal. It is read off the event loop, whenever metrics are collected.
 */
@Injectable()
export class DiskSpaceMetrics {
  constructor(registry: MetricsRegistry, dataDirectory: string) {
    new Gauge({
      name: 'coupon_disk_free_bytes',
      help: 'Bytes that the service can still write where DATA_DIR lies; embedded profile only',
      registers: [registry],
      async collect() {
        try {
          const { bavail, bsize } = await statfs(dataDirectory);
          this.set(bavail * bsize);
        } catch {
          // No value is better than an old one, and the other metrics are still collected.
          this.remove();
        }
      },
    });
  }
}
