import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { claimOf } from '../../../test/support/claims.js';
import {
  type EmbeddedStack,
  openEmbeddedStack,
  openEpoch,
  SharedSqliteDatabase,
  storeCampaign,
} from '../../../test/support/embedded.js';
import { SetClock } from '../../../test/support/flow.js';
import {
  issueCoupons,
  openPass,
  rebuilderOf,
  SharedGateBuilder,
  unexplainedClaimsOf,
  watchOf,
} from '../../../test/support/recovery.js';
import { campaignPages } from '../../ports/database/campaign-pages.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { type FenceSignal } from '../gate-watch/fence-signal.js';
import { type UnexplainedClaims } from './unexplained-claims.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let clock: SetClock;
let watch: EpochWatch;
let pass: GatePass;
let unexplained: UnexplainedClaims;
let signals: FenceSignal[];

beforeEach(async () => {
  await open(await openEmbeddedStack(SharedSqliteDatabase));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await stack.close();
});

async function open(opened: EmbeddedStack): Promise<void> {
  stack = opened;
  await storeCampaign(stack, { id: 'default', total: 100 });
  pass = await openEpoch(stack, 10);
  clock = new SetClock();
  watch = watchOf(stack);
  await watch.refresh();
  signals = [];
  watch.onFence((_epoch, signal) => signals.push(signal));
  unexplained = unexplainedClaimsOf(stack, watch, clock);
}

const sql = (statement: string, ...parameters: unknown[]) =>
  stack.connection.exclusive((runner) => runner.query(statement, parameters));
const claim = (number: number) => stack.gate.claim(pass, { ...claimOf(number), idempotencyDigest: null });
const clear = (number: number) => stack.gate.clearPending(pass, [claimOf(number)]);
const issue = (number: number) => issueCoupons(stack, [claimOf(number)]);
/** A claim on its whole way, as the consumer brings it: the commit, and then the entry at the gate. */
const sell = async (number: number) => {
  await claim(number);
  await issue(number);
  await clear(number);
};
/** One round, as the reconciler makes it. */
const round = async (): Promise<boolean> => {
  const listed = new Set<string>();
  for await (const { campaigns } of campaignPages(stack.database)) {
    for (const { id } of campaigns) listed.add(id);
    const ids = campaigns.map(({ id }) => id);
    if (await unexplained.findIn(pass, campaigns, await stack.gate.gauge(pass, ids))) return true;
  }
  return unexplained.findMissing(pass, listed);
};
/** The database as it was after the first `kept` coupons. */
const restore = async (kept: number) => {
  await sql('DELETE FROM coupons WHERE sequence > ?', kept);
  await sql('UPDATE campaigns SET issued = ?', kept);
};

describe('a database that has gone back', () => {
  it('closes the gate when coupons that it has seen are gone', async () => {
    for (const number of [1, 2, 3]) await sell(number);
    expect(await round()).toBe(false);
    await restore(2);
    expect(await round()).toBe(true);
    expect(signals).toEqual(['unexplained']);
    expect(watch.pass).toBeNull();
  });

  it('is noticed by a process that was started after it', async () => {
    for (const number of [1, 2]) await sell(number);
    await restore(0);
    expect(await round()).toBe(true);
  });

  it('is noticed although claims are on their way, and although some have failed events', async () => {
    for (const number of [1, 2, 3]) await sell(number);
    await claim(4);
    await failed(5, 'PENDING');
    await restore(2);
    expect(await round()).toBe(true);
  });

  it('is over with the rebuild, which begins with what is there', async () => {
    for (const number of [1, 2, 3]) await sell(number);
    await restore(1);
    expect(await round()).toBe(true);
    await rebuilderOf(stack, { builder: new SharedGateBuilder(stack.memory) }).rebuild(10);
    await watch.refresh();
    pass = await openPass(stack);
    expect(await stack.gate.gauge(pass, ['default'])).toMatchObject([{ claimed: 1, pending: 0 }]);
    expect(await round()).toBe(false);
  });

  it('is noticed when a campaign’s row is gone that an earlier round has seen', async () => {
    await storeCampaign(stack, { id: 'another', total: 100 });
    await stack.gate.openCampaign(pass, {
      campaignId: 'another',
      total: 100,
      startsAt: 0,
      endsAt: null,
      state: 'OPEN',
      version: 1,
    });
    expect(await round()).toBe(false);
    await sql("DELETE FROM campaigns WHERE id = 'another'");
    expect(await round()).toBe(true);
    expect(signals).toEqual(['unexplained']);
  });
});

/** A claim whose event waits in the database, and whose entry the sweeper has cleared. */
const failed = async (number: number, status: string) => {
  await claim(number);
  await stack.database.transaction((unit) =>
    unit.failedEvents.addUnpublished([
      {
        claim: claimOf(number, { epoch: 10 }),
        source: 'API',
        failure: { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: '' },
      },
    ]),
  );
  await sql('UPDATE failed_events SET status = ? WHERE claim_id = ?', status, claimOf(number).claimId);
  await clear(number);
};

describe('nothing is closed', () => {
  it('for claims that are pending', async () => {
    for (const number of [1, 2, 3]) await claim(number);
    expect(await round()).toBe(false);
  });

  it('for coupons that the consumer has committed and not cleared', async () => {
    await claim(1);
    await issue(1);
    expect(await round()).toBe(false);
  });

  it('for claims that become coupons between the read of the rows and the gauge', async () => {
    for (const number of [1, 2, 3]) await claim(number);
    const gauge = stack.gate.gauge.bind(stack.gate);
    let number = 0;
    stack.gate.gauge = async (...call) => {
      number += 1;
      if (number <= 3) {
        await issue(number);
        await clear(number);
      }
      return gauge(...call);
    };
    expect(await round()).toBe(false);
    expect(number).toBeGreaterThan(1);
  });

  it.each(['PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD', 'DISCARDED'])(
    'for a claim that holds its slot by a failed event in status %s',
    async (status) => {
      await failed(1, status);
      expect(await round()).toBe(false);
    },
  );

  it('for a discarded claim whose slot is free again', async () => {
    await failed(1, 'DISCARDED');
    await stack.gate.release(pass, claimOf(1));
    await sql('UPDATE failed_events SET released_at = 1');
    expect(await round()).toBe(false);
  });

  it('for a counter that is lower than the coupons: a rebuild would change nothing', async () => {
    for (const number of [1, 2, 3]) await sell(number);
    await sql('UPDATE campaigns SET issued = 1');
    expect(await round()).toBe(false);
  });

  it('and failed events are not counted again in every round', async () => {
    await failed(1, 'PENDING');
    const snapshots = jest.spyOn(stack.database, 'snapshot');
    for (let rounds = 0; rounds < 5; rounds++) await round();
    expect(snapshots).toHaveBeenCalledTimes(1);
    clock.pass(20_001);
    await round();
    expect(snapshots).toHaveBeenCalledTimes(2);
  });

  it('for a difference that is found only once', async () => {
    for (const number of [1, 2]) await sell(number);
    await restore(1);
    const snapshot = stack.database.snapshot.bind(stack.database);
    stack.database.snapshot = async (work) => {
      const found = await snapshot(work);
      await sql('UPDATE campaigns SET issued = 2');
      return found;
    };
    expect(await round()).toBe(false);
  });

  it('for a campaign whose row is gone from database and gate, or that was only not listed', async () => {
    await storeCampaign(stack, { id: 'never-at-gate', total: 100 });
    expect(await round()).toBe(false);
    await sql("DELETE FROM campaigns WHERE id = 'never-at-gate'");
    expect(await round()).toBe(false);
    expect(await unexplained.findMissing(pass, new Set())).toBe(false);
    expect(signals).toEqual([]);
  });

  it('where no other process can write to the database', async () => {
    await stack.close();
    await open(await openEmbeddedStack());
    await sell(1);
    const reads = jest.spyOn(stack.database, 'read');
    await unexplained.findIn(pass, [], []);
    await unexplained.findMissing(pass, new Set());
    expect(reads).not.toHaveBeenCalled();
  });
});
