import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { duringDrop, openDrop, passed, type Strike } from './fault-drop.js';
import { between, fault, recordDraw } from './fault-test.js';
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
    recordDraw(pair.map(({ what }) => what).join(', and '));
    const [oneMs, otherMs] = [pair[0].lastsMs ?? 0, pair[1].lastsMs ?? 0];
    const inTurn = pair[0].target === pair[1].target;
    const offsetMs = between(0, 3_000);
    const at = async ({ strike, target }: DropFault) => {
      // Each fault strikes while the drop is under way.
      expect(drop.promisedCount).toBeLessThan(drop.total);
      await strike(cluster, drop);
      // One process has to be left after both strikes.
      if (inTurn && (target === 'api' || target === 'worker')) await cluster.add(target);
    };
    const both: Strike = async () => {
      if (inTurn) {
        for (const one of pair) await at(one);
        return;
      }
      const later = async () => {
        await passed(offsetMs);
        await at(pair[1]);
      };
      await Promise.all([at(pair[0]), later()]);
    };
    drop = await openDrop(cluster, 1_000);
    await duringDrop(cluster, drop, both, {
      claimsAgainMs: Math.max(pair[0].claimsAgainMs, pair[1].claimsAgainMs),
      keptMs: Math.max(pair[0].keptMs, pair[1].keptMs),
      // And a second for faults that take no time.
      lastsMs: 1_000 + (inTurn ? oneMs + otherMs : Math.max(oneMs, offsetMs + otherMs)),
      killed: pair.some(({ killed }) => killed),
      left: pair.some(({ left }) => left),
    });
  });
});
