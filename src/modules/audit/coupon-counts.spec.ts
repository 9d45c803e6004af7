import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { until } from '../../../test/support/until.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { Database } from '../../ports/database/database.js';
import { CouponCounts } from './coupon-counts.js';

/** A database whose coupons are a number, of which a test answers the pages. */
class SlowDatabase extends Database {
  rows = 0;
  /** A page is answered when this resolves. */
  answer: () => Promise<void> = () => Promise.resolve();
  pages = 0;

  override async read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const countNext = async (_campaign: string, after: string, limit: number, lastId: number) => {
      this.pages += 1;
      await this.answer();
      const from = Number(after);
      const to = Math.min(this.rows, from + limit);
      return { counted: Math.min(to, lastId) - from, lastUserId: to - from === limit ? String(to) : null };
    };
    return work({ coupons: { countNext } } as never);
  }

  override transaction = () => Promise.reject(new Error('no transaction is needed'));
  override snapshot = () => Promise.reject(new Error('no snapshot is needed'));
}

let database: SlowDatabase;
let timers: SetTimers;
let counts: CouponCounts;

beforeEach(() => {
  database = new SlowDatabase();
  timers = new SetTimers();
  counts = new CouponCounts(database, timers.clock, timers);
});

const countAt = (issued: number, lastCouponId = 1_000_000) =>
  counts.countAt({ campaignId: 'drop', issued, lastCouponId });

/** Pages take this long, ms. */
const pagesTake = (ms: number) => {
  database.answer = () => timers.sleep(ms);
};

describe('the count of a campaign’s coupons', () => {
  it('goes through all pages, and says by how much rows and counter differ', async () => {
    database.rows = 25_000;
    expect(await countAt(24_990)).toMatchObject({ surplus: 10 });
    expect(database.pages).toBe(3);
    expect(await countAt(19_000, 20_000)).toMatchObject({ surplus: 1_000 });
  });

  it('is made anew for each audit of a small campaign', async () => {
    database.rows = 3;
    expect(await countAt(3)).toMatchObject({ surplus: 0 });
    database.rows = 2;
    expect(await countAt(3)).toMatchObject({ surplus: -1 });
  });

  it('that takes long is waited for when none is known, and goes on behind the last one otherwise', async () => {
    database.rows = 25_000;
    pagesTake(100);
    const first = countAt(25_000);
    await timers.pass(400);
    const { monotonic } = await first;
    expect(await first).toMatchObject({ surplus: 0 });

    // 300 ms of counting are followed by 50 times as much rest.
    database.rows = 24_000;
    await timers.pass(14_000);
    expect(await countAt(25_000)).toEqual(await first);
    expect(database.pages).toBe(3);
    await timers.pass(2_000);
    const impatient = countAt(25_000);
    await until('a count has begun', () => database.pages === 4);
    await timers.pass(150);
    expect(await impatient).toMatchObject({ surplus: 0, monotonic });
    await timers.pass(300);
    expect(await countAt(25_000)).toMatchObject({ surplus: -1_000 });
  });

  it('is one at a time, however many ask', async () => {
    database.rows = 25_000;
    pagesTake(10);
    const asked = [countAt(25_000), countAt(25_000), countAt(25_000)];
    await timers.pass(100);
    await Promise.all(asked);
    expect(database.pages).toBe(3);
  });

  it('that fails is refused when none is known, and otherwise leaves the last one with its age', async () => {
    database.rows = 5;
    database.answer = () => Promise.reject(new Error('away'));
    await expect(countAt(5)).rejects.toThrow('away');
    database.answer = () => Promise.resolve();
    const known = await countAt(5);
    database.answer = () => Promise.reject(new Error('away'));
    await timers.pass(60_000);
    expect(await countAt(5)).toEqual(known);
  });
});
