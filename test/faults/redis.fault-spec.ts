import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { duringDrop, openDrop } from './fault-drop.js';
import { fault } from './fault-test.js';
import { REDIS_FAULTS } from './strikes.js';

describe('while claims come in', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  for (const { row, what, strike, ...deadlines } of REDIS_FAULTS) {
    fault(row, what, async () => {
      drop = await openDrop(cluster, 1_000);
      const before = await cluster.epoch();
      await duringDrop(cluster, drop, strike, deadlines);
      // The fault really happened: a gate that has lost data has a new epoch, and a silent one has refused claims.
      if (row !== 12) expect(await cluster.epoch()).toBeGreaterThan(before);
      expect(Object.keys(drop.tally()).filter((word) => word.startsWith('503'))).not.toEqual([]);
    });
  }
});
