import { Module } from '@nestjs/common';
import { FlowModule } from '../platform/flow/flow.module.js';
import { Admission } from './admission.js';
import { EpochWatch } from './epoch-watch.js';
import { StoredCampaignIds } from './stored-campaign-ids.js';
import { TermsAtGate } from './terms-at-gate.js';

/** What every feature that meets the gate shares: the watch over its epoch. The gate itself comes from infrastructure. */
@Module({
  imports: [FlowModule],
  providers: [EpochWatch, TermsAtGate, Admission, StoredCampaignIds],
  exports: [FlowModule, EpochWatch, TermsAtGate, Admission, StoredCampaignIds],
})
export class GateModule {}
