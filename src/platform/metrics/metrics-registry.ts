import { Registry } from 'prom-client';

export class MetricsRegistry extends Registry {}
