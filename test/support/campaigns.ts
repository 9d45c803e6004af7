import { CampaignAdministration } from '../../src/modules/campaigns/campaign-administration.js';
import { type EpochWatch } from '../../src/modules/watch/epoch-watch.js';
import { WatchedGate } from '../../src/modules/watch/watched-gate.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { type Database } from '../../src/ports/database/database.js';
import { type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { termsAtGateOf } from './recovery.js';

/** What operators' calls end in, at one process. */
export function administrationOf(
  { database, gate }: { readonly database: Database; readonly gate: IssuanceGate },
  watch: EpochWatch,
  terms = termsAtGateOf({ database, gate }, watch),
): CampaignAdministration {
  return new CampaignAdministration(
    database,
    new WatchedGate(gate, watch),
    watch,
    terms,
    systemClock,
    new SystemEntropy(),
  );
}
