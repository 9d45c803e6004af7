import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import '../../../test/support/quiet.js';
import { administrationOf } from '../../../test/support/campaigns.js';
import { claimOf } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetClock } from '../../../test/support/flow.js';
import {
  issueCoupons,
  openPass,
  rebuilderOf,
  SharedGateBuilder,
  watchOf,
  wipeGate,
} from '../../../test/support/recovery.js';
import { type Campaign } from '../../domain/campaign.js';
import { type ClaimEvent } from '../../domain/claim.js';
import { type AppConfig, parseEnv } from '../../platform/config/env.js';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { WatchedGate } from '../gate-watch/watched-gate.js';
import { EndedCampaigns } from './ended-campaigns.js';
import { LeavingCampaigns } from './leaving-campaigns.js';

const HOUR = 3_600_000;

let stack: EmbeddedStack;
let watch: EpochWatch;
let pass: GatePass;
let clock: SetClock;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total: 10 });
  pass = await openEpoch(stack, 10);
  watch = watchOf(stack);
  await watch.refresh();
  clock = new SetClock();
});
afterEach(() => stack.close());

function leavingOf({
  config = {},
  builder = stack.builder,
  own = watch,
}: {
  config?: Record<string, string>;
  builder?: GateBuilder;
  own?: EpochWatch;
} = {}): LeavingCampaigns {
  const { database, gate } = stack;
  return new LeavingCampaigns(database, new WatchedGate(gate, own), builder, own, parseEnv(config) as AppConfig, clock);
}

const stored = async (id = 'default'): Promise<Campaign> => {
  const campaign = await stack.database.read((unit) => unit.campaigns.find(id));
  if (campaign === null) throw new Error(`no campaign ${id}`);
  return campaign;
};
const execute = (sql: string, parameters: unknown[] = []) =>
  stack.connection.exclusive((runner) => runner.query(sql, parameters));
const gaugeOf = async (id = 'default') => (await stack.gate.gauge(pass, [id]))[0];
const GONE = { kind: 'fenced', reason: 'meta-missing' };

/** Makes the campaign look as if it had been closed so long ago. */
const closedFor = (ms: number, id = 'default') =>
  execute('UPDATE campaigns SET updated_at = updated_at - ? WHERE id = ?', [ms, id]);

/** A claim that the gate has admitted. */
async function admit(number: number): Promise<ClaimEvent> {
  const request = claimOf(number, { campaignId: 'default' });
  const outcome = await stack.gate.claim(pass, { ...request, idempotencyDigest: null });
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
  return { ...request, sequence: outcome.sequence, claimedAt: outcome.claimedAt, epoch: pass.epoch };
}

/** Two coupons, and the campaign closed as an operator does. */
async function closeWithCoupons(ms = HOUR + 1): Promise<ClaimEvent[]> {
  const claims = [await admit(1), await admit(2)];
  await issueCoupons(stack, claims);
  await stack.gate.clearPending(pass, claims);
  expect(await administrationOf(stack, watch).act('default', 'close', BY_SERVICE)).toMatchObject({ kind: 'done' });
  await closedFor(ms);
  return claims;
}

describe('a closed campaign', () => {
  it('leaves the gate after GATE_RETENTION, and its row says since when', async () => {
    await closeWithCoupons();
    await leavingOf().leave();
    expect((await stored()).leftGateAt).toEqual(expect.any(Number));
    expect(await gaugeOf()).toEqual(GONE);
    expect(await stack.database.read((unit) => unit.campaigns.listUncleared(9))).toEqual([]);
    await leavingOf().leave();
    expect(watch.pass).toEqual(pass);
  });

  it('stays until then, and for ever with never', async () => {
    await closeWithCoupons(HOUR - 60_000);
    await leavingOf().leave();
    await closedFor(365 * 24 * HOUR);
    await leavingOf({ config: { GATE_RETENTION: 'never' } }).leave();
    await leavingOf({ config: { GATE_RETENTION: '400d' } }).leave();
    expect(await gaugeOf()).toMatchObject({ kind: 'gauge', claimed: 2 });
    expect((await stored()).leftGateAt).toBeNull();
  });

  it('stays while a claim is pending, also one that is a coupon', async () => {
    const claims = [await admit(1)];
    await issueCoupons(stack, claims);
    await administrationOf(stack, watch).act('default', 'close', BY_SERVICE);
    await closedFor(HOUR + 1);
    await leavingOf().leave();
    expect((await stored()).leftGateAt).toBeNull();
    expect(await gaugeOf()).toMatchObject({ pending: 1 });
    await stack.gate.clearPending(pass, claims);
    await leavingOf().leave();
    expect(await gaugeOf()).toEqual(GONE);
  });

  it('stays while a failed event of it is open, or discarded and not released', async () => {
    const [claim] = await closeWithCoupons();
    const late = { ...(claim as ClaimEvent), claimId: '01KAAAAAAAAAAAAAAAAAAAAAAB' };
    await stack.database.transaction((unit) =>
      unit.failedEvents.addUnpublished([
        { claim: late, source: 'API', failure: { errorClass: 'a', errorCode: 'b', errorMessage: 'c' } },
      ]),
    );
    for (const status of ['PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD', 'DISCARDED']) {
      await execute('UPDATE failed_events SET status = ?', [status]);
      await leavingOf().leave();
      expect([status, (await stored()).leftGateAt]).toEqual([status, null]);
    }
    await execute('UPDATE failed_events SET released_at = 1');
    await leavingOf().leave();
    expect(await gaugeOf()).toEqual(GONE);
  });

  it('stays while gate and database disagree about its claims or its terms', async () => {
    await closeWithCoupons();
    await execute('UPDATE campaigns SET issued = 1');
    await leavingOf().leave();
    await execute('UPDATE campaigns SET issued = 2, version = version + 1');
    await leavingOf().leave();
    expect((await stored()).leftGateAt).toBeNull();
    await execute('UPDATE campaigns SET version = version - 1');
    await leavingOf().leave();
    expect((await stored()).leftGateAt).not.toBeNull();
  });

  it('does not leave while it is open or paused', async () => {
    await closedFor(HOUR + 1);
    await leavingOf().leave();
    await administrationOf(stack, watch).act('default', 'pause', BY_SERVICE);
    await closedFor(HOUR + 1);
    await leavingOf().leave();
    expect(await gaugeOf()).toMatchObject({ kind: 'gauge' });
    expect((await stored()).leftGateAt).toBeNull();
  });

  it('does not keep those behind it', async () => {
    await administrationOf(stack, watch).act('default', 'close', BY_SERVICE);
    await closedFor(HOUR + 1);
    for (let number = 100; number < 155; number++) {
      const campaign = await storeCampaign(stack, { id: `c-${number}`, state: 'CLOSED' });
      await stack.gate.openCampaign(pass, termsOf(campaign));
      // The first ones cannot leave.
      if (number < 150) await execute('UPDATE campaigns SET issued = 1 WHERE id = ?', [campaign.id]);
      await closedFor(HOUR + 1, campaign.id);
    }
    const leaving = leavingOf();
    await leaving.leave();
    expect((await stored('c-154')).leftGateAt).toBeNull();
    await leaving.leave();
    expect((await stored('c-154')).leftGateAt).not.toBeNull();
    expect((await stored('default')).leftGateAt).not.toBeNull();
    expect((await stored('c-100')).leftGateAt).toBeNull();
    // And from the first one again.
    await execute('UPDATE campaigns SET issued = 0');
    await leaving.leave();
    expect((await stored('c-100')).leftGateAt).not.toBeNull();
  });
});

describe('the order of leaving', () => {
  it('is the mark first: a mark that is not committed leaves the gate as it is', async () => {
    await closeWithCoupons();
    await execute(
      "CREATE TRIGGER refuse BEFORE UPDATE OF left_gate_at ON campaigns BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    await expect(leavingOf().leave()).rejects.toThrow();
    expect(await gaugeOf()).toMatchObject({ kind: 'gauge', claimed: 2 });
    expect((await stored()).leftGateAt).toBeNull();
  });

  it('lets another process remove what a process that died after its mark has left behind', async () => {
    await closeWithCoupons();
    const removeCampaign = stack.gate.removeCampaign.bind(stack.gate);
    stack.gate.removeCampaign = () => Promise.reject(new Error('the process dies here'));
    await expect(leavingOf().leave()).rejects.toThrow('dies here');
    expect((await stored()).leftGateAt).not.toBeNull();
    expect(await gaugeOf()).toMatchObject({ kind: 'gauge', claimed: 2 });
    stack.gate.removeCampaign = removeCampaign;
    await leavingOf({ config: { GATE_RETENTION: 'never' } }).leave();
    expect(await gaugeOf()).toEqual(GONE);
    expect(await stack.database.read((unit) => unit.campaigns.listUncleared(9))).toEqual([]);
  });

  it('marks nothing while the gate is being rebuilt, or under an epoch that is over', async () => {
    await closeWithCoupons();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
    await leavingOf().leave();
    expect((await stored()).leftGateAt).toBeNull();
    await watch.refresh();
    await leavingOf().leave();
    expect((await stored()).leftGateAt).toBeNull();
  });

  it('goes through also when the epoch ends between mark and removal: a rebuild leaves the campaign out', async () => {
    await closeWithCoupons();
    stack.gate.removeCampaign = () => Promise.reject(new Error('the gate is lost'));
    await expect(leavingOf().leave()).rejects.toThrow('lost');
    wipeGate(stack);
    await storeCampaign(stack, { id: 'other' });
    await rebuilderOf(stack).rebuild(10);
    pass = await openPass(stack);
    expect(await gaugeOf()).toEqual(GONE);
    expect(await gaugeOf('other')).toMatchObject({ kind: 'gauge' });
    await watch.refresh();
    stack.gate.removeCampaign = Object.getPrototypeOf(stack.gate).removeCampaign;
    await leavingOf({ config: { GATE_RETENTION: 'never' } }).leave();
    expect(await stack.database.read((unit) => unit.campaigns.listUncleared(9))).toEqual([]);
  });

  it('waits for as long as the process has to run, except where the process is alone', async () => {
    await closeWithCoupons();
    const leaving = leavingOf({ builder: new SharedGateBuilder(stack.memory) });
    await leaving.leave();
    clock.pass(HOUR - 1);
    await leaving.leave();
    expect((await stored()).leftGateAt).toBeNull();
    clock.pass(1);
    await leaving.leave();
    expect((await stored()).leftGateAt).not.toBeNull();
  });

  it('leaves a gate alone that was built by a version which cannot remove a campaign', async () => {
    await closeWithCoupons();
    let calls = 0;
    stack.gate.removeCampaign = () => {
      calls += 1;
      return Promise.resolve({ kind: 'unsupported' });
    };
    const leaving = leavingOf();
    await leaving.leave();
    await leaving.leave();
    expect(calls).toBe(1);
    expect((await stored()).leftGateAt).not.toBeNull();
  });
});

describe('a campaign whose window is over', () => {
  const endedOf = (config: Record<string, string> = {}) =>
    new EndedCampaigns(stack.database, administrationOf(stack, watch), parseEnv(config) as AppConfig);
  const DAY = 24 * HOUR;
  const audited = () =>
    execute("SELECT actor_id, detail FROM admin_audit WHERE action = 'campaign.close'") as Promise<
      { actor_id: string; detail: string }[]
    >;

  it('is closed after CLOSE_AFTER_END, at the gate too, and the audit names the service', async () => {
    const endsAt = Date.now() - DAY - 1;
    await storeCampaign(stack, { id: 'over', startsAt: 1, endsAt });
    await stack.gate.openCampaign(pass, termsOf(await stored('over')));
    await Promise.all([endedOf().close(), endedOf().close()]);
    expect(await stored('over')).toMatchObject({ state: 'CLOSED', version: 2, endsAt });
    expect(await gaugeOf('over')).toMatchObject({ terms: { state: 'CLOSED', version: 2 } });
    const rows = await audited();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.actor_id).toBe('service');
    expect(JSON.parse(rows[0]?.detail ?? '')).toEqual({
      before: { state: 'OPEN' },
      after: { state: 'CLOSED' },
      version: 2,
      because: 'ended',
    });
  });

  it('stays open until then, with never, while it is paused, and without an end', async () => {
    await storeCampaign(stack, { id: 'over', startsAt: 1, endsAt: Date.now() - DAY + 60_000 });
    await storeCampaign(stack, { id: 'paused', startsAt: 1, endsAt: 2, state: 'PAUSED' });
    await endedOf().close();
    await storeCampaign(stack, { id: 'long-over', startsAt: 1, endsAt: 2 });
    await endedOf({ CLOSE_AFTER_END: 'never' }).close();
    expect(await audited()).toEqual([]);
    await endedOf({ CLOSE_AFTER_END: '1d' }).close();
    expect(await audited()).toHaveLength(1);
    expect(await stored('long-over')).toMatchObject({ state: 'CLOSED' });
    expect(await stored('paused')).toMatchObject({ state: 'PAUSED' });
  });

  it('stays open when an operator has moved its end at the last moment', async () => {
    await storeCampaign(stack, { id: 'over', startsAt: 1, endsAt: 2 });
    const later = Date.now() + DAY;
    const administration = administrationOf(stack, watch);
    await stack.database.transaction((unit) => unit.campaigns.update('over', { endsAt: later }, 2));
    expect(await administration.closeEnded('over', Date.now())).toEqual({ kind: 'precondition-failed' });
    expect(await stored('over')).toMatchObject({ state: 'OPEN', version: 2 });
  });
});
