import { Module } from '@nestjs/common';
import { FlowModule } from '../flow/flow.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { CallRates } from './call-rates.js';
import { EarlyRefusals } from './early-refusals.metrics.js';

/** Limits that are asked before the gate. */
@Module({ imports: [FlowModule, MetricsModule], providers: [CallRates, EarlyRefusals], exports: [CallRates] })
export class RatesModule {}
