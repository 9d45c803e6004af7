import { statfs } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { type MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** What is left of the disk that holds coupons and journal; asked whenever metrics are collected, off the event loop. */
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
          // No value rather than an old one, and the other metrics all the same.
          this.remove();
        }
      },
    });
  }
}
