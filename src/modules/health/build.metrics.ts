import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { AppConfig } from '../../platform/config/env.js';
import { VERSION } from '../../platform/config/version.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** `coupon_build_info`: which version runs here. Join it to other metrics by `instance`. */
@Injectable()
export class BuildMetrics {
  constructor(registry: MetricsRegistry, { profile }: AppConfig) {
    new Gauge({
      name: 'coupon_build_info',
      help: '1, with the version of the service and of Node, and the profile',
      labelNames: ['version', 'node', 'profile'],
      registers: [registry],
    }).set({ version: VERSION, node: process.versions.node, profile }, 1);
  }
}
