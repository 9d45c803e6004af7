import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { duringDrop, openDrop, passed, type Strike } from './fault-drop.js';
import { between, fault } from './fault-test.js';
import { DATABASE_FAULTS, type DropFault, KAFKA_FAULTS, MORE_FAULTS, PROCESS_FAULTS, REDIS_FAULTS } from './strikes.js';

const COUNTS = { apis: 2, workers: 2 };
const FAULTS = [...REDIS_FAULTS, ...KAFKA_FAULTS, ...DATABASE_FAULTS, ...PROCESS_FAULTS, ...MORE_FAULTS].filter(
  ({ slow }) => !slow,
);

describe('while claims come in', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start(COUNTS);
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(async () => {
    drop.close();
    await cluster.fill(COUNTS);
  }, 90_000);

  const draw = (): DropFault => {
    const drawn = FAULTS[between(0, FAULTS.length - 1)];
    if (drawn === undefined) throw new Error('no fault');
    return drawn;
  };

  fault(37, 'two faults at once', async () => {
    const pair = [draw(), draw()] as const;
    process.stdout.write(`${pair.map(({ what }) => what).join(', and ')}\n`);
    const offsetMs = between(0, 3_000);
    const both: Strike = async (...scene) => {
      if (pair[0].target === pair[1].target) {
        for (const { strike, target } of pair) {
          await strike(...scene);
          // Somebody has to be there after both; nobody waits for it, or the second one would strike at nothing.
          if (target === 'api' || target === 'worker') await cluster.add(target);
        }
        return;
      }
      const later = async () => {
        await passed(offsetMs);
        await pair[1].strike(...scene);
      };
      await Promise.all([pair[0].strike(...scene), later()]);
    };
    drop = await openDrop(cluster, 1_000);
    await duringDrop(cluster, drop, both, {
      claimsAgainMs: pair[0].claimsAgainMs + pair[1].claimsAgainMs,
      keptMs: pair[0].keptMs + pair[1].keptMs,
      killed: pair.some(({ killed }) => killed),
      left: pair.some(({ left }) => left),
    });
  });
});
