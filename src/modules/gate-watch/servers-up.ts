import { type ClaimLog } from '../../ports/log/claim-log.js';
import { type Admission } from './admission.js';
import { type EpochWatch } from './epoch-watch.js';

/** What this process works with. */
export type Dependency = 'gate' | 'claimLog' | 'database';

/** Which of them this process can work with, as it knows from its own work. It asks no server. */
export function serversUp(watch: EpochWatch, log: ClaimLog, admission: Admission): Record<Dependency, boolean> {
  const { state, gateTrouble } = watch.state;
  return {
    gate: state === 'open' && gateTrouble === null,
    claimLog: !log.away,
    database: !admission.storeAway,
  };
}
