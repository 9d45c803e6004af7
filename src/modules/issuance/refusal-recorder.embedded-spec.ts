import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import '../../../test/support/quiet.js';
import { parseEnv } from '../../platform/config/env.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { RefusalRecorder } from './refusal-recorder.js';

describe('the recorder of refusals', () => {
  let stack: EmbeddedStack;
  let clock: SetClock;
  let timers: SetTimers;
  beforeEach(async () => {
    stack = await openEmbeddedStack();
    clock = new SetClock();
    timers = new SetTimers(clock);
    // The gate's clock goes ahead of this process's by a minute.
    stack.gate.now = () => Promise.resolve(clock.wall() + 60_000);
  });
  afterEach(() => stack.close());

  const recorder = (perSecond = 3) =>
    new RefusalRecorder(
      stack.database,
      stack.gate,
      parseEnv({ REFUSALS_KEPT_PER_SECOND: String(perSecond) }),
      clock,
      timers,
    );
  const stored = (userId: string) => stack.database.read((unit) => unit.refusals.listByUser(userId, 10));

  it('keeps the first refusal of each kind, and one of a user who asks again and again', async () => {
    const one = recorder();
    for (let count = 0; count < 50; count++) one.note('drop', 'alice', 'sold-out', `request-${count}`);
    one.note('drop', 'alice', 'campaign-paused', 'paused');
    await one.flush();
    expect((await stored('alice')).map(({ code, requestId }) => [code, requestId]).sort()).toEqual([
      ['campaign-paused', 'paused'],
      ['sold-out', 'request-0'],
    ]);
    expect(one.shed).toBe(0);
  });

  it.each(['already-claimed', 'campaign-not-found'] as const)('does not keep %s', async (code) => {
    const one = recorder();
    one.note('drop', 'alice', code, 'request');
    await one.flush();
    expect(await stored('alice')).toEqual([]);
  });

  it('keeps no more than its limit in a second, and counts what it sheds', async () => {
    const one = recorder(3);
    for (const user of ['a', 'b', 'c', 'd', 'e']) one.note('drop', user, 'sold-out', 'request');
    expect(one.shed).toBe(2);
    await one.flush();
    expect(await stored('c')).toHaveLength(1);
    expect(await stored('d')).toEqual([]);
    one.note('drop', 'd', 'sold-out', 'request');
    await one.flush();
    expect(await stored('d')).toHaveLength(1);
  });

  it('tells instants by the clock of the gate, as claims have them', async () => {
    const one = recorder();
    one.note('drop', 'first', 'sold-out', 'request');
    await one.flush();
    one.note('drop', 'second', 'sold-out', 'request');
    await one.flush();
    expect((await stored('second'))[0]?.refusedAt).toBe(clock.wall() + 60_000);
  });

  it('sheds while the database is away, and goes on when it is back', async () => {
    const one = recorder();
    const { transaction } = stack.database;
    stack.database.transaction = () => Promise.reject(new DatabaseError('infrastructure', 'ECONNREFUSED', 'away'));
    one.note('drop', 'alice', 'issuer-unavailable', 'request-1');
    await one.flush();
    expect(one.shed).toBe(1);
    stack.database.transaction = transaction;
    one.note('drop', 'alice', 'issuer-unavailable', 'request-2');
    await one.flush();
    expect(await stored('alice')).toMatchObject([{ requestId: 'request-2' }]);
  });

  it('has one line when it cannot store, and one when it has stored again: a second without a refusal says nothing', async () => {
    const lines: string[] = [];
    for (const level of ['warn', 'log'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => void lines.push(String(text)));
    }
    const one = recorder();
    const { transaction } = stack.database;
    stack.database.transaction = () => Promise.reject(new DatabaseError('infrastructure', 'ECONNREFUSED', 'away'));
    one.note('drop', 'alice', 'issuer-unavailable', 'request-1');
    await one.flush();
    clock.pass(30_000);
    await one.flush();
    expect(lines).toEqual(['refusals are not kept, so support cannot tell their users why: away']);
    stack.database.transaction = transaction;
    clock.pass(30_000);
    one.note('drop', 'alice', 'issuer-unavailable', 'request-2');
    await one.flush();
    expect(lines.slice(1)).toEqual(['refusals are kept again, after 60.0 s']);
    jest.restoreAllMocks();
  });

  it('stores no more when the table is full, whatever callers send', async () => {
    const { read } = stack.database;
    stack.database.read = () => Promise.resolve(2_000_000) as never;
    const one = recorder();
    one.note('drop', 'alice', 'sold-out', 'request');
    await one.flush();
    stack.database.read = read;
    expect(await stored('alice')).toEqual([]);
    expect(one.shed).toBe(1);
  });

  it('stores once a second, and at the end what is left', async () => {
    const one = recorder();
    one.onApplicationBootstrap();
    one.note('drop', 'alice', 'sold-out', 'request');
    await timers.pass(1_000);
    one.note('drop', 'bob', 'sold-out', 'request');
    await one.beforeApplicationShutdown();
    expect(await stored('alice')).toHaveLength(1);
    expect(await stored('bob')).toHaveLength(1);
    expect(timers.size).toBe(0);
  });

  it('does nothing when it is switched off', async () => {
    const one = recorder(0);
    one.onApplicationBootstrap();
    one.note('drop', 'alice', 'sold-out', 'request');
    expect([timers.size, one.shed]).toEqual([0, 1]);
  });
});
