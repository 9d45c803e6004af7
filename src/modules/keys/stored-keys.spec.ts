import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { type ApiKey } from '../../platform/identity/api-key.js';
import { type Database, type UnitOfWork } from '../../ports/database/database.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { StoredKeys } from './stored-keys.js';

const KEY: ApiKey = {
  id: 'k',
  name: 'shop',
  role: 'issuer',
  secretDigest: 'digest',
  createdAt: 0,
  createdBy: 'bootstrap',
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
};

let clock: SetClock;
let keys: StoredKeys;
/** Each question, and how the test answers it. */
let questions: { readonly ids: readonly string[]; answer(...keys: (ApiKey | null)[]): void; fail(): void }[];

beforeEach(() => {
  clock = new SetClock();
  // A test may end before its last question leaves.
  const own: typeof questions = [];
  questions = own;
  const findMany = (ids: readonly string[]) =>
    new Promise<ApiKey[]>((resolve, reject) => {
      const away = new DatabaseError('infrastructure', 'ECONNREFUSED', 'away');
      own.push({
        ids,
        answer: (...found) => resolve(found.filter((key) => key !== null)),
        fail: () => reject(away),
      });
    });
  const read = <T>(work: (unit: UnitOfWork) => T): T => work({ apiKeys: { findMany } } as unknown as UnitOfWork);
  keys = new StoredKeys({ read } as unknown as Database, clock, new SetTimers(clock));
});

/** Lets questions leave, which wait for the end of the turn, and lets promises run on that a question has settled. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
};

async function known(): Promise<void> {
  const found = keys.find('k');
  await settle();
  questions.at(-1)?.answer(KEY);
  expect(await found).toBe(KEY);
}

describe('a key that is known', () => {
  it('is in memory for 5 s, and asked for once by all who wait', async () => {
    expect(keys.findInMemory('k')).toBeUndefined();
    const waiting = [keys.find('k'), keys.find('k')];
    await settle();
    expect(questions).toHaveLength(1);
    questions[0]?.answer(KEY);
    expect(await Promise.all(waiting)).toEqual([KEY, KEY]);
    clock.pass(2_499);
    expect(keys.findInMemory('k')).toBe(KEY);
    expect(questions).toHaveLength(1);
  });

  it('is asked for again in the background, so that nobody waits while it is in use', async () => {
    await known();
    clock.pass(2_500);
    for (let use = 0; use < 3; use++) expect(keys.findInMemory('k')).toBe(KEY);
    await settle();
    expect(questions).toHaveLength(2);
    questions[1]?.answer(KEY);
    await settle();
    clock.pass(4_000);
    expect(keys.findInMemory('k')).toBe(KEY);
  });

  it('that was revoked is refused 5 s after the question that did not know it yet', async () => {
    await known();
    clock.pass(2_500);
    keys.findInMemory('k');
    await settle();
    const revoked = { ...KEY, revokedAt: 1 };
    questions[1]?.answer(revoked);
    await settle();
    expect(keys.findInMemory('k')).toBe(revoked);
  });

  it('is not used longer than 5 s while a question about it is open', async () => {
    await known();
    clock.pass(2_500);
    keys.findInMemory('k');
    await settle();
    clock.pass(2_500);
    expect(keys.findInMemory('k')).toBeUndefined();
  });

  it('stays known for ten minutes while the database does not answer, which is asked every half second', async () => {
    await known();
    clock.pass(2_500);
    keys.findInMemory('k');
    await settle();
    questions[1]?.fail();
    await settle();
    clock.pass(499);
    for (let use = 0; use < 3; use++) expect(keys.findInMemory('k')).toBe(KEY);
    await settle();
    expect(questions).toHaveLength(2);
    clock.pass(1);
    expect(keys.findInMemory('k')).toBe(KEY);
    await settle();
    expect(questions).toHaveLength(3);
    // A database that does not answer at all is away as well.
    clock.pass(10_000);
    expect(keys.findInMemory('k')).toBe(KEY);
    questions[2]?.fail();
    await settle();
    // Nobody used the key for a minute. The next caller waits for a question, as the database may be there again.
    clock.pass(60_000);
    const again = keys.find('k');
    await settle();
    expect(questions).toHaveLength(4);
    questions[3]?.fail();
    expect(await again).toBe(KEY);
    clock.pass(600_000);
    const found = keys.find('k');
    await settle();
    questions.at(-1)?.fail();
    await expect(found).rejects.toThrow('away');
  });

  it('that was revoked is refused minutes after a single question failed', async () => {
    await known();
    clock.pass(2_500);
    keys.findInMemory('k');
    await settle();
    questions[1]?.fail();
    await settle();
    expect(keys.findInMemory('k')).toBe(KEY);
    clock.pass(300_000);
    expect(keys.findInMemory('k')).toBeUndefined();
    const revoked = { ...KEY, revokedAt: 1 };
    const found = keys.find('k');
    await settle();
    questions[2]?.answer(revoked);
    expect(await found).toBe(revoked);
  });

  it('stays known to a caller who waited for the question that failed', async () => {
    await known();
    clock.pass(6_000);
    const found = keys.find('k');
    await settle();
    questions.at(-1)?.fail();
    expect(await found).toBe(KEY);
  });

  it('is forgotten at once by the process that changes it, whatever question is under way', async () => {
    await known();
    clock.pass(2_500);
    keys.findInMemory('k');
    await settle();
    keys.forget('k');
    questions[1]?.answer(KEY);
    await settle();
    expect(keys.findInMemory('k')).toBeUndefined();
  });
});

describe('an id that is no key', () => {
  it('is not asked for in the background, and not kept while the database is away', async () => {
    const found = keys.find('invented');
    await settle();
    questions[0]?.answer(null);
    expect(await found).toBeNull();
    clock.pass(4_999);
    expect(keys.findInMemory('invented')).toBeNull();
    expect(questions).toHaveLength(1);
    clock.pass(1);
    const again = keys.find('invented');
    await settle();
    questions[1]?.fail();
    await expect(again).rejects.toThrow('away');
  });

  it('shares few reads with others, however many are invented at once', async () => {
    const looked = Array.from({ length: 2_000 }, (_, n) => keys.find(`invented-${n}`));
    await settle();
    expect(questions).toHaveLength(2);
    for (let answered = 0; answered < questions.length; answered++) {
      questions[answered]?.answer();
      await settle();
    }
    expect(new Set(await Promise.all(looked))).toEqual(new Set([null]));
    expect(questions.map(({ ids }) => ids.length)).toEqual([500, 500, 500, 500]);
  });

  it('does not push a key out of memory, and is refused as if the database were busy when too many wait', async () => {
    await known();
    const looked = Array.from({ length: 12_000 }, (_, n) =>
      keys.find(`invented-${n}`).catch((error: unknown) => error),
    );
    for (let answered = 1; answered === 1 || answered < questions.length; answered++) {
      await settle();
      questions[answered]?.answer();
      await settle();
    }
    const outcomes = await Promise.all(looked);
    expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(5_000);
    expect(outcomes.at(-1)).toMatchObject({ problemCode: 'database-unavailable' });
    expect(keys.findInMemory('k')).toBe(KEY);
  });
});
