import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { expireLease } from '../../../test/support/recovery.js';
import { BuilderLease, LEASE_MS, LeaseLostError } from './builder-lease.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let lease: BuilderLease;
let timers: SetTimers;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await stack.database.transaction((unit) => unit.gate.beginEpoch('me', 7, LEASE_MS));
  timers = new SetTimers();
  lease = new BuilderLease(stack.database, timers, 'me', 7);
});

afterEach(async () => {
  await lease.end();
  await stack.close();
});

const leaseLeftMs = () =>
  stack.database.read(async (unit) => ((await unit.gate.read()).leaseUntil ?? 0) - (await unit.now()));
/** Passes two seconds, and waits for the renewal that is due then. */
const renewal = async () => {
  await timers.pass(2_000);
  await leaseLeftMs();
};
/** Two seconds, and the renewal that they bring: of ten seconds, whenever it came. */
const expectRenewal = async () => {
  const now = () => stack.database.read((unit) => unit.now());
  const before = await now();
  await renewal();
  const { leaseUntil } = await stack.database.read((unit) => unit.gate.read());
  expect(leaseUntil).toBeGreaterThanOrEqual(before + LEASE_MS);
  expect(leaseUntil).toBeLessThanOrEqual((await now()) + LEASE_MS);
};

describe('a builder’s lease', () => {
  it('is renewed every two seconds for ten', async () => {
    for (let count = 0; count < 3; count++) {
      await expireLease(stack);
      await expectRenewal();
      await timers.pass(0);
    }
    expect(() => lease.check()).not.toThrow();
  });

  it('is lost when a renewal finds another builder', async () => {
    const waiting = lease.wait(60_000);
    const refused = expect(waiting).rejects.toThrow(LeaseLostError);
    await stack.database.transaction((unit) => unit.gate.beginEpoch('other', 8, LEASE_MS));
    await renewal();
    await refused;
    expect(() => lease.check()).toThrow(LeaseLostError);
    await expect(lease.wait(1)).rejects.toThrow(LeaseLostError);
  });

  it('is kept while the database cannot be reached, since no other builder can take it then', async () => {
    const transaction = stack.database.transaction.bind(stack.database);
    stack.database.transaction = () => Promise.reject(new Error('away'));
    await expireLease(stack);
    await renewal();
    expect(() => lease.check()).not.toThrow();
    stack.database.transaction = transaction;
    await expectRenewal();
  });

  it('lets its holder wait for exactly as long as asked', async () => {
    let over = false;
    const waiting = lease.wait(3_000).then(() => (over = true));
    await timers.pass(2_999);
    expect(over).toBe(false);
    await timers.pass(1);
    await waiting;
  });

  it('has no holder once it was given back, and no renewal restores it', async () => {
    await lease.giveBack();
    await renewal();
    expect(await leaseLeftMs()).toBeLessThanOrEqual(0);
    expect(await stack.database.read((unit) => unit.gate.read())).toMatchObject({ epoch: 7, builder: null });
    expect(await stack.database.transaction((unit) => unit.gate.renewLease('me', 7, LEASE_MS))).toBe(false);
  });

  it('runs out by itself when it cannot be given back, and the builder does not wait for that', async () => {
    const { transaction } = stack.database;
    stack.database.transaction = () => Promise.reject(new Error('away'));
    await lease.giveBack();
    stack.database.transaction = () => new Promise(() => undefined);
    const given = lease.giveBack();
    await timers.pass(1_000);
    await given;
    stack.database.transaction = transaction;
    expect(await stack.database.read((unit) => unit.gate.read())).toMatchObject({ epoch: 7, builder: 'me' });
  });

  it('is left to run out at the end', async () => {
    await lease.end();
    await expireLease(stack);
    await renewal();
    expect(await leaseLeftMs()).toBeLessThan(0);
    expect(await stack.database.read((unit) => unit.gate.read())).toMatchObject({ builder: 'me' });
  });
});
