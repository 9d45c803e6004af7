import { Module } from '@nestjs/common';
import { EpochWatch } from './epoch-watch.js';
import { MachineClock } from './machine-clock.js';
import { TermsAtGate } from './terms-at-gate.js';

/** What every feature that meets the gate shares: the watch over its epoch. The gate itself comes from infrastructure. */
@Module({ providers: [MachineClock, EpochWatch, TermsAtGate], exports: [EpochWatch, MachineClock, TermsAtGate] })
export class GateModule {}
