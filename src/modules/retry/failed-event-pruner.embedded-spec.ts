import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { failToPublish } from '../../../test/support/failed-events.js';
import { consumeJournal } from '../../../test/support/journal-consumer.js';
import { admit, drainerOf, openRetryStack, type RetryStack, sql } from '../../../test/support/retry.js';
import { parseEnv } from '../../platform/config/env.js';
import { FailedEventPruner } from './failed-event-pruner.js';

const DAY_MS = 86_400_000;
const USERS = 7;

let stack: RetryStack;

beforeEach(async () => {
  stack = await openRetryStack();
  const claims = [];
  for (let user = 0; user < USERS; user++) claims.push(await admit(stack, `user-${user}`));
  await failToPublish(stack, ...claims);
  await drainerOf(stack.database, stack.log).drain();
  await consumeJournal(stack);
});

afterEach(() => stack.close());

const pruner = (retention: string) =>
  new FailedEventPruner(stack.database, parseEnv({ FAILED_EVENT_RETENTION: retention }));
const pass = (ms: number) =>
  sql(stack, 'UPDATE failed_events SET next_attempt_at = next_attempt_at - ?, updated_at = updated_at - ?', ms, ms);
const rows = async () => (await stack.database.read((unit) => unit.failedEvents.list({ limit: 100 }))).length;

describe('resolved failed events', () => {
  it('are deleted when they are older than the variable says, apart from the last of their campaign', async () => {
    await pass(5 * DAY_MS);
    expect(await pruner('6d').prune()).toEqual({ deleted: 0, emptied: 0 });
    expect(await pruner('4d').prune()).toEqual({ deleted: USERS - 1, emptied: 0 });
    expect(await rows()).toBe(1);
    expect(await pruner('4d').prune()).toEqual({ deleted: 0, emptied: 0 });
  });

  it('are left alone by a process that stops', async () => {
    await pass(5 * DAY_MS);
    const shutdown = new AbortController();
    shutdown.abort();
    await pruner('4d').prune(shutdown.signal);
    expect(await rows()).toBe(USERS);
  });

  it('stay counted, and the coupons that they became stay', async () => {
    await pass(40 * DAY_MS);
    await pruner('30d').prune();
    const counts = await stack.database.read((unit) => unit.failedEvents.countByStatus());
    expect(counts.RESOLVED).toBe(USERS);
    // Their messages come again, as after offsets that were set back.
    await consumeJournal(stack);
    expect((await stack.database.read((unit) => unit.campaigns.find('drop')))?.issued).toBe(USERS);
  });
});
