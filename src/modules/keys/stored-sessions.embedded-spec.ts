import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { failure, FaultyDatabase } from '../../../test/support/consumer.js';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { until } from '../../../test/support/until.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type SealedSession } from '../../platform/identity/session/session-seal.js';
import { type DatabaseErrorKind } from '../../ports/database/database-error.js';
import { SESSION_BEGUN, StoredSessions } from './stored-sessions.js';

const BY: CallOrigin = {
  actor: { id: 'bootstrap', name: 'bootstrap' },
  requestId: 'request-1',
  address: '192.0.2.7',
};

describe('the record of sign-ins', () => {
  let stack: EmbeddedStack;
  let database: FaultyDatabase;
  let clock: SetClock;
  let timers: SetTimers;
  let stored: StoredSessions;
  let lines: unknown[];
  let count: number;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    database = new FaultyDatabase(stack.database);
    clock = new SetClock();
    timers = new SetTimers(clock);
    stored = new StoredSessions(database, clock, timers);
    lines = [];
    count = 0;
    for (const level of ['warn', 'error'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((line: unknown) => void lines.push(line));
    }
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stack.close();
  });

  const failWith = (kind: DatabaseErrorKind) => {
    database.before = () => Promise.reject(failure(kind));
    database.beforeRead = () => {
      throw failure(kind);
    };
  };
  const mend = () => {
    database.before = () => undefined;
    database.beforeRead = () => undefined;
  };
  const session = (): SealedSession => ({
    id: `session-${(count += 1)}`,
    holder: { kind: 'admin-token', fingerprint: 'one' },
    expiresAt: clock.wall() + 3_600_000,
  });
  const rows = async () =>
    (await stack.database.read((unit) => unit.audit.list({ limit: 2_000, action: SESSION_BEGUN }))).reverse();

  it('has the row before the session is given out', async () => {
    const one = session();
    await stored.noteBegin(one, BY);
    expect(await rows()).toMatchObject([
      { subject: one.id, by: { address: '192.0.2.7' }, detail: { expiresAt: one.expiresAt } },
    ]);
    expect([lines, timers.size]).toEqual([[], 0]);
  });

  it('is a line of the log while the database is away, and rows in their order when it is back', async () => {
    failWith('infrastructure');
    const [one, two] = [session(), session()];
    await stored.noteBegin(one, BY);
    const beganAt = new Date(clock.wall()).toISOString();
    expect(lines).toMatchObject([
      { event: 'session.unrecorded', actor: 'bootstrap', address: '192.0.2.7', requestId: 'request-1' },
    ]);
    // Nobody has signed out of it.
    expect(await stored.isEnded(one.id)).toBe(false);
    await timers.pass(60_000);
    await stored.noteBegin(two, BY);
    mend();
    await timers.pass(5_000);
    await until('both are written', async () => (await rows()).length === 2);
    expect(await rows()).toMatchObject([
      { subject: one.id, by: { actor: { id: 'bootstrap' }, address: '192.0.2.7' }, detail: { beganAt } },
      { subject: two.id },
    ]);
    expect(lines).toHaveLength(2);
    await stored.beforeApplicationShutdown();
    expect(timers.size).toBe(0);
  });

  it('has one row of a sign-in whose commit only seemed to fail', async () => {
    database.afterCommit = (nth) => {
      if (nth === 1) throw failure('infrastructure');
    };
    const one = session();
    await stored.noteBegin(one, BY);
    await timers.pass(5_000);
    await stored.beforeApplicationShutdown();
    expect(await rows()).toMatchObject([{ subject: one.id }]);
  });

  it('writes at a shutdown what still waits', async () => {
    failWith('infrastructure');
    await stored.noteBegin(session(), BY);
    mend();
    await stored.beforeApplicationShutdown();
    expect(await rows()).toHaveLength(1);
    expect(timers.size).toBe(0);
  });

  it('refuses a sign-in that the database refuses, and more than 1,000 that wait', async () => {
    failWith('data');
    await expect(stored.noteBegin(session(), BY)).rejects.toThrow('injected');
    failWith('infrastructure');
    for (let nth = 0; nth < 1_000; nth++) await stored.noteBegin(session(), BY);
    await expect(stored.noteBegin(session(), BY)).rejects.toThrow('injected');
    mend();
    await timers.pass(5_000);
    await stored.beforeApplicationShutdown();
    expect(await rows()).toHaveLength(1_000);
  });
});
