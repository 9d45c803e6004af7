import { type Database } from '../../ports/database/database.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { type GatePass, type IssuanceGate, type OpenMissingOutcome } from '../../ports/gate/issuance-gate.js';

/**
 * `epoch-over`: another epoch is the current one by now. `not-stored`: there is no such campaign. `left`: it is closed and
 * has left the gate, so the gate rightly does not know it.
 */
export type MissingCampaignOutcome = OpenMissingOutcome | { readonly kind: 'epoch-over' | 'not-stored' | 'left' };

/**
 * Opens a stored campaign that the gate does not know, unless the gate has had it in this epoch and lost it. Its creator
 * may have died between the two, or the gate did not answer it.
 *
 * Holds a share of the gate row, so that no rebuild can begin during the call, and the campaign's row, so that its terms
 * are those that the gate gets: a lowered total must not come back.
 * @throws GateUnavailableError, GateTimeoutError, DatabaseError
 */
export function openMissing(
  database: Database,
  gate: IssuanceGate,
  pass: GatePass,
  campaignId: string,
): Promise<MissingCampaignOutcome> {
  return database.transaction(async (unit) => {
    const row = await unit.gate.lockShared();
    if (row.epoch !== pass.epoch || row.fence !== pass.fence) return { kind: 'epoch-over' };
    const [campaign] = await unit.campaigns.lock([campaignId]);
    if (campaign === undefined) return { kind: 'not-stored' };
    // Also when it has left since the caller met the fence: opened, it would have forgotten its winners.
    // mutant: left-and-missed
    if (campaign.leftGateAt !== null) return { kind: 'left' };
    return gate.openMissing(pass, termsOf(campaign));
  });
}
