import { Module } from '@nestjs/common';
import { Admission } from './admission.js';
import { EpochWatch } from './epoch-watch.js';
import { MachineClock } from './machine-clock.js';
import { StoredCampaignIds } from './stored-campaign-ids.js';
import { TermsAtGate } from './terms-at-gate.js';

/** What every feature that meets the gate shares: the watch over its epoch. The gate itself comes from infrastructure. */
@Module({
  providers: [MachineClock, EpochWatch, TermsAtGate, Admission, StoredCampaignIds],
  exports: [EpochWatch, MachineClock, TermsAtGate, Admission, StoredCampaignIds],
})
export class GateModule {}
