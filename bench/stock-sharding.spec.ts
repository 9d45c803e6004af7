import { describe, expect, it } from '@jest/globals';
import { type Scenario, simulate } from './stock-sharding.js';

const SCENARIO: Scenario = {
  spread: 'blocks, called back',
  shards: 8,
  total: 1_000,
  users: 5_000,
  block: 20,
  withinMs: 100,
  perMs: 50,
  unevenness: 0.3,
  seed: 1,
};

describe('the simulation of a campaign that is spread over shards', () => {
  it('sells exactly the total if stock is called back, however the shards differ', () => {
    for (let seed = 0; seed < 200; seed++) {
      const shards = 1 + (seed % 40);
      const users = 1_000 + seed * 3;
      const { sold } = simulate({ ...SCENARIO, shards, users, seed, unevenness: (seed % 10) / 10 });
      expect(sold).toBe(1_000);
    }
  });

  it('leaves coupons unsold if every shard has a fixed share and demand is little above the total', () => {
    const { sold } = simulate({ ...SCENARIO, spread: 'fixed share', shards: 40, users: 1_010 });
    expect(sold).toBeLessThan(1_000);
  });

  it('is fair with one shard, and less so with more', () => {
    const fair = simulate({ ...SCENARIO, spread: 'fixed share', shards: 1 });
    expect(fair).toMatchObject({ sold: 1_000, unfair: 0, latest: 0 });
    expect(simulate({ ...SCENARIO, spread: 'fixed share', shards: 40 }).unfair).toBeGreaterThan(0.01);
  });
});
