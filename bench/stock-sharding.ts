import { pathToFileURL } from 'node:url';

/** How the stock of one campaign is spread over shards. Each shard decides alone about its own users. */
export type Spread =
  /** Every shard has its share from the start, and no more. */
  | 'fixed share'
  /** A shard takes a block from a common pool when it has no coupon left. */
  | 'blocks from a pool'
  /** The same, but before a shard says "sold out" for the first time, unused coupons of the others are called back. */
  | 'blocks, called back';

/** One drop. Times in ms. */
export interface Scenario {
  readonly spread: Spread;
  readonly shards: number;
  readonly total: number;
  readonly users: number;
  /** Coupons that a shard takes at once. */
  readonly block: number;
  /** All users come within this time, evenly. */
  readonly withinMs: number;
  /** Claims that one shard decides in a ms. */
  readonly perMs: number;
  /** How much slower the slowest shard is than the fastest: 0 for none, 0.5 for half as fast. */
  readonly unevenness: number;
  readonly seed: number;
}

/** The result of one drop. */
export interface Outcome {
  readonly sold: number;
  /** The share of winners who were not among the first `total` users to come. */
  readonly unfair: number;
  /** How many ranks too late the last winner came, as a share of the total. */
  readonly latest: number;
  /** How many calls went to the pool. */
  readonly poolCalls: number;
}

interface Shard {
  stock: number;
  /** When the shard is free for the next claim. */
  freeAt: number;
  readonly claimMs: number;
}

/** Users are numbered in the order in which they come, which is the order that would be fair. */
export function simulate(scenario: Scenario): Outcome {
  const { spread, shards: count, total, users, block, withinMs, perMs, unevenness, seed } = scenario;
  const random = mulberry32(seed);
  const shards = Array.from({ length: count }, (_, index): Shard => {
    const slowness = count === 1 ? 0 : (unevenness * index) / (count - 1);
    const share = Math.floor(total / count) + (index < total % count ? 1 : 0);
    return { stock: spread === 'fixed share' ? share : 0, freeAt: 0, claimMs: 1 / (perMs * (1 - slowness)) };
  });
  let pool = spread === 'fixed share' ? 0 : total;
  let poolCalls = 0;

  // Each user always belongs to the same shard. That is why no user can get two coupons.
  const decisions: { user: number; shard: Shard; at: number }[] = [];
  for (let user = 0; user < users; user++) {
    const shard = shards[Math.floor(random() * count)] as Shard;
    const arrival = (user / users) * withinMs;
    shard.freeAt = Math.max(shard.freeAt, arrival) + shard.claimMs;
    decisions.push({ user, shard, at: shard.freeAt });
  }
  decisions.sort((a, b) => a.at - b.at || a.user - b.user);

  const winners: number[] = [];
  for (const { user, shard } of decisions) {
    if (shard.stock === 0 && spread !== 'fixed share') {
      if (pool === 0 && spread === 'blocks, called back') {
        for (const other of shards) {
          pool += other.stock;
          other.stock = 0;
        }
      }
      const taken = Math.min(pool, block);
      // A shard does not call a pool that it knows to be empty.
      if (taken > 0) poolCalls += 1;
      pool -= taken;
      shard.stock += taken;
    }
    if (shard.stock === 0) continue;
    shard.stock -= 1;
    winners.push(user);
  }
  const late = winners.filter((user) => user >= total).length;
  return {
    sold: winners.length,
    unfair: late / Math.max(1, winners.length),
    latest: winners.length === 0 ? 0 : Math.max(0, Math.max(...winners.slice(-200_000)) + 1 - total) / total,
    poolCalls,
  };
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function report(): void {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const head = [
    'stock',
    'shards',
    'users',
    'shards differ by',
    'sold of 10,000',
    'unfair winners',
    'last winner late by',
    'pool calls',
  ];
  console.log(`| ${head.join(' | ')} |\n| ${head.map(() => '---').join(' | ')} |`);
  const base = { total: 10_000, block: 50, withinMs: 1_000, perMs: 100, seed: 1 };
  for (const users of [10_500, 1_000_000]) {
    for (const unevenness of [0, 0.5]) {
      for (const shards of [1, 4, 16, 64]) {
        for (const spread of ['fixed share', 'blocks from a pool', 'blocks, called back'] as const) {
          if (shards === 1 && spread !== 'fixed share') continue;
          const { sold, unfair, latest, poolCalls } = simulate({ ...base, spread, shards, users, unevenness });
          const cells = [
            spread,
            shards,
            users.toLocaleString('en'),
            percent(unevenness),
            sold,
            percent(unfair),
            percent(latest),
            poolCalls,
          ];
          console.log(`| ${cells.join(' | ')} |`);
        }
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report();
