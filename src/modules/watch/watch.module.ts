import { Module } from '@nestjs/common';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { Admission } from './admission.js';
import { EpochWatch } from './epoch-watch.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { StoredCampaignIds } from './stored-campaign-ids.js';
import { TermsAtGate } from './terms-at-gate.js';
import { WatchedGate } from './watched-gate.js';

/**
 * What every feature that meets the gate shares: the watch over its epoch, and the gate that reports its own trouble to
 * it. Infrastructure provides the `UnwatchedGate`.
 */
@Module({
  imports: [FlowModule],
  providers: [EpochWatch, { provide: IssuanceGate, useClass: WatchedGate }, TermsAtGate, Admission, StoredCampaignIds],
  exports: [FlowModule, EpochWatch, IssuanceGate, TermsAtGate, Admission, StoredCampaignIds],
})
export class GateModule {}
