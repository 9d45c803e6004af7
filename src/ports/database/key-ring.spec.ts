import { createSecretKey, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { type Database, type UnitOfWork } from './database.js';
import { type InstallationKey, keyIdOf } from './installation-key-store.js';
import { KeyRing, KEYS_CACHED_MS } from './key-ring.js';

function newKey(): InstallationKey {
  const secret = randomBytes(32);
  return { id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: 1 };
}

describe('KeyRing', () => {
  let clock: SetClock;
  let stored: InstallationKey[];
  let away: boolean;
  let reads: number;
  let ring: KeyRing;
  let keysFor: () => Promise<InstallationKey[]>;

  beforeEach(() => {
    clock = new SetClock();
    stored = [newKey()];
    away = false;
    reads = 0;
    keysFor = () => {
      reads += 1;
      return away ? Promise.reject(new Error('away')) : Promise.resolve(stored);
    };
    const database: Pick<Database, 'readUrgently'> = {
      readUrgently: (work) => work({ installationKeys: { keysFor: () => keysFor() } } as unknown as UnitOfWork),
    };
    ring = new KeyRing(database, 'event', clock);
  });

  it('signs with the newest key, and finds all of them', async () => {
    stored = [newKey(), newKey()];
    expect(ring.signing).toBeNull();
    await ring.refresh();
    expect(ring.signing).toBe(stored[0]);
    expect(stored.map(({ id }) => ring.find(id))).toEqual(stored);
    expect(ring.find('another')).toBeUndefined();
  });

  it('asks the database every five seconds for new keys and retired ones, and at once when it is told to', async () => {
    await ring.refresh();
    const [old] = stored as [InstallationKey];
    stored = [newKey()];
    clock.pass(KEYS_CACHED_MS);
    await ring.refresh();
    expect([ring.signing, reads]).toEqual([old, 1]);
    clock.pass(1);
    await ring.refresh();
    expect([ring.signing, ring.find(old.id), reads]).toEqual([stored[0], undefined, 2]);
    stored = [newKey()];
    await ring.readAgain();
    expect([ring.signing, reads]).toEqual([stored[0], 3]);
  });

  it('learns nothing from a read that began before a faster one', async () => {
    const [old] = stored as [InstallationKey];
    const answers: ((keys: InstallationKey[]) => void)[] = [];
    keysFor = () => new Promise((resolve) => answers.push(resolve));
    const slow = ring.refresh();
    const fast = ring.readAgain();
    const replaced = newKey();
    answers[1]?.([replaced]);
    await fast;
    answers[0]?.([old]);
    await slow;
    expect([ring.signing, ring.find(old.id)]).toEqual([replaced, undefined]);
  });

  it('keeps what it knows while the database is away', async () => {
    await ring.refresh();
    away = true;
    await expect(ring.readAgain()).rejects.toThrow('away');
    expect(ring.signing).toBe(stored[0]);
  });

  it('signs for fifteen seconds without asking the database, also by the clock of a machine that was suspended', async () => {
    await ring.refresh();
    clock.pass(15_000);
    expect(ring.signing).toBe(stored[0]);
    const replaced = newKey();
    stored = [replaced];
    clock.at = { ...clock.at, wall: clock.at.wall + 1 };
    expect(ring.signing).toBeNull();
    await ring.readAgain();
    expect([ring.signing, ring.newest]).toEqual([replaced, replaced]);
  });

  it('signs with what it knows after the database was asked in vain', async () => {
    await ring.refresh();
    away = true;
    clock.pass(60_000);
    expect([ring.signing, ring.newest]).toEqual([null, stored[0]]);
    await expect(ring.readAgain()).rejects.toThrow('away');
    expect(ring.signing).toBe(stored[0]);
  });
});
