import { Module } from '@nestjs/common';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { Admission } from './admission.js';
import { DiscardedSlots } from './discarded-slots.js';
import { EpochWatch } from './epoch-watch.js';
import { ForeignClaims } from './foreign-claims.js';
import { GateClock } from './gate-clock.js';
import { KnownCampaigns } from './known-campaigns.js';
import { QuietCampaigns } from './quiet-campaigns.js';
import { StoredCampaignIds } from './stored-campaign-ids.js';
import { TermsAtGate } from './terms-at-gate.js';
import { WatchedGate } from './watched-gate.js';

const SHARED = [
  EpochWatch,
  Admission,
  KnownCampaigns,
  TermsAtGate,
  DiscardedSlots,
  StoredCampaignIds,
  ForeignClaims,
  GateClock,
  QuietCampaigns,
];

/**
 * What all modules that call the gate share: the watch over its epoch, and the gate that reports its failed calls to
 * the watch. Infrastructure provides the `UnwatchedGate`.
 */
@Module({
  imports: [FlowModule],
  providers: [{ provide: IssuanceGate, useClass: WatchedGate }, ...SHARED],
  exports: [FlowModule, IssuanceGate, ...SHARED],
})
export class GateWatchModule {}
