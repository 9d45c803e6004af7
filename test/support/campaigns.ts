import { CampaignAdministration } from '../../src/modules/campaigns/campaign-administration.js';
import { CampaignCreator } from '../../src/modules/campaigns/campaign-creator.js';
import { type EpochWatch } from '../../src/modules/gate-watch/epoch-watch.js';
import { WatchedGate } from '../../src/modules/gate-watch/watched-gate.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { type Database } from '../../src/ports/database/database.js';
import { type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { termsAtGateOf } from './recovery.js';

interface Stack {
  readonly database: Database;
  readonly gate: IssuanceGate;
}

/** Makes campaigns at one process. */
export function creatorOf({ database, gate }: Stack, watch: EpochWatch): CampaignCreator {
  return new CampaignCreator(database, new WatchedGate(gate, watch), watch, systemClock, new SystemEntropy());
}

/** Changes campaigns at one process. */
export function administrationOf(
  { database, gate }: Stack,
  watch: EpochWatch,
  terms = termsAtGateOf({ database, gate }, watch),
): CampaignAdministration {
  return new CampaignAdministration(database, new WatchedGate(gate, watch), watch, terms);
}
