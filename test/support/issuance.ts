import { Admission } from '../../src/modules/gate-watch/admission.js';
import { type EpochWatch } from '../../src/modules/gate-watch/epoch-watch.js';
import { KnownCampaigns } from '../../src/modules/gate-watch/known-campaigns.js';
import { StoredCampaignIds } from '../../src/modules/gate-watch/stored-campaign-ids.js';
import { WatchedGate } from '../../src/modules/gate-watch/watched-gate.js';
import { ClaimIssuance } from '../../src/modules/issuance/claim-issuance.js';
import { ClaimOutage } from '../../src/modules/issuance/claim-outage.js';
import { ClaimRecorder } from '../../src/modules/issuance/claim-recorder.js';
import { DiscardedClaims } from '../../src/modules/issuance/discarded-claims.js';
import { IssuanceMetrics } from '../../src/modules/issuance/issuance.metrics.js';
import { PastClaims } from '../../src/modules/issuance/past-claims.js';
import { UnpublishedClaims } from '../../src/modules/issuance/unpublished-claims.js';
import { parseEnv } from '../../src/platform/config/env.js';
import { type Clock, systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { systemTimers } from '../../src/platform/flow/timers.js';
import { MetricsRegistry } from '../../src/platform/metrics/metrics-registry.js';
import { type Database } from '../../src/ports/database/database.js';
import { type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { EntryCheck, type EntryVerdict } from '../../src/ports/entry/entry-check.js';
import { type ClaimLog } from '../../src/ports/log/claim-log.js';

export interface Issuance {
  readonly issuance: ClaimIssuance;
  readonly admission: Admission;
  readonly entries: SetVerdict;
  readonly outage: ClaimOutage;
  readonly unpublished: UnpublishedClaims;
  readonly storedIds: StoredCampaignIds;
  readonly registry: MetricsRegistry;
}

/** Campaigns that require no entry, until a test says otherwise. */
class SetVerdict extends EntryCheck {
  verdict: EntryVerdict = 'admitted';

  override judge(): EntryVerdict {
    return this.verdict;
  }
}

/** The issuing part of a process, wired as Nest does it. */
export function issuanceOf(
  { database, gate }: { readonly database: Database; readonly gate: IssuanceGate },
  watch: EpochWatch,
  log: ClaimLog,
  clock: Clock = systemClock,
): Issuance {
  const admission = new Admission(watch, log);
  const outage = new ClaimOutage(parseEnv({}), admission, clock, systemTimers);
  const unpublished = new UnpublishedClaims(database, admission, clock, systemTimers);
  const storedIds = new StoredCampaignIds();
  const registry = new MetricsRegistry();
  const entries = new SetVerdict();
  const issuance = new ClaimIssuance(
    new WatchedGate(gate, watch),
    watch,
    new ClaimRecorder(log, unpublished, admission, clock),
    new KnownCampaigns(database, gate, clock, systemTimers),
    new PastClaims(database, clock, systemTimers),
    new DiscardedClaims(database, clock, systemTimers),
    entries,
    new IssuanceMetrics(registry, storedIds),
    outage,
    clock,
    systemTimers,
    new SystemEntropy(),
  );
  return { issuance, admission, entries, outage, unpublished, storedIds, registry };
}
