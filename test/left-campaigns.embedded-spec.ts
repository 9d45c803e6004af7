import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import './support/quiet.js';
import { type Campaign } from '../src/domain/campaign.js';
import { type ClaimEvent } from '../src/domain/claim.js';
import { CouponCounts } from '../src/modules/audit/coupon-counts.js';
import { PromiseAudit } from '../src/modules/audit/promise-audit.js';
import { CampaignCatalogue } from '../src/modules/campaigns/campaign-catalogue.js';
import { LeavingCampaigns } from '../src/modules/campaigns/leaving-campaigns.js';
import { ClaimStatusLookup } from '../src/modules/coupons/claim-status.js';
import { DiscardedSlots } from '../src/modules/gate-watch/discarded-slots.js';
import { type EpochWatch } from '../src/modules/gate-watch/epoch-watch.js';
import { KnownCampaigns } from '../src/modules/gate-watch/known-campaigns.js';
import { QuietCampaigns } from '../src/modules/gate-watch/quiet-campaigns.js';
import { StoredCampaignIds } from '../src/modules/gate-watch/stored-campaign-ids.js';
import { type Application } from '../src/modules/issuance/claim-issuance.js';
import { findFence } from '../src/modules/recovery/find-fence.js';
import { GateReconciler } from '../src/modules/recovery/gate-reconciler.js';
import { RecoveryMetrics } from '../src/modules/recovery/recovery.metrics.js';
import { FailedEventOperations } from '../src/modules/retry/failed-event-operations.js';
import { parseEnv } from '../src/platform/config/env.js';
import { systemClock } from '../src/platform/flow/clock.js';
import { systemTimers } from '../src/platform/flow/timers.js';
import { BY_SERVICE } from '../src/platform/identity/actor.js';
import { MetricsRegistry } from '../src/platform/metrics/metrics-registry.js';
import { digestOf } from '../src/platform/values/digest.js';
import { type GatePass } from '../src/ports/gate/issuance-gate.js';
import { administrationOf, creatorOf } from './support/campaigns.js';
import { claimOf } from './support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from './support/embedded.js';
import { type Issuance, issuanceOf } from './support/issuance.js';
import {
  issueCoupons,
  rebuilderOf,
  termsAtGateOf,
  unexplainedClaimsOf,
  watchOf,
  wipeGate,
} from './support/recovery.js';

let stack: EmbeddedStack;
let watch: EpochWatch;
let pass: GatePass;
let issuing: Issuance;
let known: KnownCampaigns;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total: 10 });
  await storeCampaign(stack, { id: 'other', total: 10 });
  pass = await openEpoch(stack, 10);
  watch = watchOf(stack);
  await watch.refresh();
  issuing = issuanceOf(stack, watch, stack.log);
  known = new KnownCampaigns(stack.database, stack.gate, systemClock, systemTimers);
});
afterEach(() => stack.close());

const stored = async (id = 'default') => (await stack.database.read((unit) => unit.campaigns.find(id))) as Campaign;
const execute = (sql: string) => stack.connection.exclusive((runner) => runner.query(sql));
const apply = (userId: string, over: Partial<Application> = {}) =>
  issuing.issuance.apply({ campaignId: 'default', userId, idempotencyKey: null, ...over });

const leaving = () =>
  new LeavingCampaigns(
    stack.database,
    stack.gate,
    stack.builder,
    watch,
    parseEnv({ GATE_RETENTION: '0s' }),
    systemClock,
  );

/** Two winners, u1 with the key `again`, and a campaign that has left the gate. */
async function leave(): Promise<ClaimEvent[]> {
  const claims: ClaimEvent[] = [];
  for (const number of [1, 2]) {
    const idempotencyDigest = number === 1 ? digestOf('again') : null;
    const request = { ...claimOf(number), idempotencyDigest };
    const admitted = await stack.gate.claim(pass, request);
    if (admitted.kind !== 'admitted') throw new Error(admitted.kind);
    claims.push({ ...request, sequence: admitted.sequence, claimedAt: admitted.claimedAt, epoch: pass.epoch });
  }
  await issueCoupons(stack, claims);
  await stack.gate.clearPending(pass, claims);
  expect(await administrationOf(stack, watch).act('default', 'close', BY_SERVICE)).toMatchObject({ kind: 'done' });
  await leaving().leave();
  expect(await stack.gate.gauge(pass, ['default'])).toEqual([{ kind: 'fenced', reason: 'meta-missing' }]);
  return claims;
}

/** Counts the reads of the database from now on. */
function countReads(): () => number {
  const { database } = stack;
  const read = database.read.bind(database);
  let reads = 0;
  database.read = (work) => {
    reads += 1;
    return read(work);
  };
  return () => reads;
}

describe('a claim on a campaign that has left the gate', () => {
  it('is refused as at the gate: closed, and a winner is shown the claim', async () => {
    const atGate: unknown[] = [];
    const [first] = await leave();
    const { claimId, sequence, claimedAt } = first as ClaimEvent;
    const own = { claimId, campaignId: 'default', sequence, claimedAt };
    atGate.push(await apply('nobody'), await apply('u1'), await apply('u1', { idempotencyKey: 'another' }));
    expect(atGate).toEqual([
      { kind: 'campaign-closed' },
      { kind: 'already-claimed', claim: own },
      { kind: 'already-claimed', claim: own },
    ]);
    expect(await apply('u1', { idempotencyKey: 'again' })).toEqual({ kind: 'accepted', claim: own, replayed: true });
    expect(watch.pass).toEqual(pass);
    expect(await apply('u1', { campaignId: 'other' })).toMatchObject({ kind: 'accepted', replayed: false });
  });

  it('gets the same answer before and after it leaves', async () => {
    const outcomes = async () => [await apply('u1'), await apply('u2'), await apply('u3')];
    const claims = [claimOf(1), claimOf(2)];
    for (const claim of claims) await stack.gate.claim(pass, claim);
    await issueCoupons(
      stack,
      claims.map((claim, index) => ({ ...claim, sequence: index + 1 })),
    );
    await stack.gate.clearPending(pass, claims);
    // What the gate recorded, so that both have the same instants.
    for (const { userId, claimId } of claims) {
      const found = await stack.gate.lookUp(pass, 'default', userId);
      if (found.kind !== 'found') throw new Error(found.kind);
      await execute(`UPDATE coupons SET claimed_at = ${found.record.claimedAt} WHERE claim_id = '${claimId}'`);
    }
    await administrationOf(stack, watch).act('default', 'close', BY_SERVICE);
    const before = await outcomes();
    await leaving().leave();
    expect((await stored()).leftGateAt).not.toBeNull();
    expect(await outcomes()).toEqual(before);
  });

  it('does not ask the database again for the same user, and once for many users', async () => {
    await leave();
    await apply('u1');
    const reads = countReads();
    for (let times = 0; times < 50; times++) await apply('u1');
    expect(reads()).toBe(0);
    const refused = await Promise.all(Array.from({ length: 400 }, (_, user) => apply(`flood-${user}`)));
    expect(new Set(refused.map(({ kind }) => kind))).toEqual(new Set(['campaign-closed']));
    expect(reads()).toBeLessThan(10);
  });

  it('is refused for now while the database is away', async () => {
    await leave();
    await apply('u2');
    stack.database.read = () => Promise.reject(new Error('away'));
    expect(await apply('u2')).toMatchObject({ kind: 'already-claimed' });
    expect(await apply('u5')).toEqual({ kind: 'issuer-unavailable' });
    expect(watch.pass).toEqual(pass);
  });

  it('is counted without a series of its own', async () => {
    await leave();
    await apply('u1');
    await apply('u9');
    const counted = (await issuing.registry.metrics())
      .split('\n')
      .filter((line) => /^coupon_claims_total\{/.test(line));
    expect(counted.sort()).toEqual([
      'coupon_claims_total{campaign="other",outcome="already_claimed"} 1',
      'coupon_claims_total{campaign="other",outcome="closed"} 1',
    ]);
  });
});

describe('what is shown of a campaign that has left the gate', () => {
  const statusOf = (userId: string, gate = stack.gate) =>
    new ClaimStatusLookup(stack.database, gate, watch, known).find('default', userId);

  it('is the claim of a winner, and that another user has none', async () => {
    const [, second] = await leave();
    const { claimId, sequence, claimedAt } = second as ClaimEvent;
    expect(await statusOf('u2')).toMatchObject({ status: 'ISSUED', claimId, sequence, claimedAt });
    expect(await statusOf('u3')).toEqual({ kind: 'claim-not-found' });
    expect(watch.pass).toEqual(pass);
  });

  it('is a coupon that was stored while the gate was being asked', async () => {
    await leave();
    const gate = Object.create(stack.gate) as typeof stack.gate;
    gate.lookUp = async (...call) => {
      await issueCoupons(stack, [claimOf(7)]);
      return stack.gate.lookUp(...call);
    };
    expect(await statusOf('u7', gate)).toMatchObject({ status: 'ISSUED', claimId: claimOf(7).claimId });
  });

  it('is what remains of it, alone and in the list, without asking the gate', async () => {
    await leave();
    const asked: string[] = [];
    const gate = Object.create(stack.gate) as typeof stack.gate;
    gate.gauge = (own, ids) => {
      asked.push(...ids);
      return stack.gate.gauge(own, ids);
    };
    const catalogue = new CampaignCatalogue(stack.database, gate, watch, systemClock);
    expect(await catalogue.find('default')).toMatchObject({ state: 'CLOSED', remaining: 8 });
    const { rows } = await catalogue.list(10);
    expect(rows.map(({ campaign, remaining }) => [campaign.id, remaining]).sort()).toEqual([
      ['default', 8],
      ['other', 10],
    ]);
    expect(asked).toEqual(['other']);
  });

  it('is its whole stock to the operator whose creation is repeated', async () => {
    const creator = creatorOf(stack, watch);
    const create = () => creator.create({ name: 'n', total: 5, startsAt: null, endsAt: null }, BY_SERVICE, 'key');
    const made = await create();
    if (made.kind !== 'created') throw new Error(made.kind);
    const { id } = made.campaign;
    await administrationOf(stack, watch).act(id, 'close', BY_SERVICE);
    await leaving().leave();
    expect((await stored(id)).leftGateAt).not.toBeNull();
    const replayed = await create();
    if (replayed.kind !== 'created') throw new Error(replayed.kind);
    const catalogue = new CampaignCatalogue(stack.database, stack.gate, watch, systemClock);
    expect(catalogue.viewAsReplayed(replayed.campaign, replayed.at)).toMatchObject({
      campaign: { id, state: 'OPEN', issued: 0 },
      remaining: 5,
    });
  });

  it('is an audit with drift 0, and with drift when a coupon is gone', async () => {
    await leave();
    const counts = new CouponCounts(stack.database, systemClock, systemTimers);
    const audit = new PromiseAudit(stack.database, stack.gate, watch, counts);
    const leftGateAt = (await stored()).leftGateAt;
    expect(await audit.audit('default')).toMatchObject({ gate: null, issued: 2, rows: 2, leftGateAt, drift: 0 });
    await execute("DELETE FROM coupons WHERE user_id = 'u2'");
    expect(await audit.audit('default')).toMatchObject({ rows: 1, drift: 1 });
    expect(watch.pass).toEqual(pass);
  });

  it('is that it is closed: a further close is done, everything else is refused', async () => {
    await leave();
    const administration = administrationOf(stack, watch);
    expect(await administration.act('default', 'close', BY_SERVICE)).toMatchObject({ kind: 'done' });
    expect(await administration.act('default', 'resume', BY_SERVICE)).toEqual({ kind: 'campaign-closed' });
    expect(await administration.change('default', { total: 3 }, () => true, BY_SERVICE)).toEqual({
      kind: 'campaign-closed',
    });
    expect(watch.pass).toEqual(pass);
  });
});

describe('a failed event of a campaign that has left the gate', () => {
  it('can be discarded, and has no slot to give back', async () => {
    await leave();
    await stack.database.transaction((unit) =>
      unit.failedEvents.addUnpublished([
        {
          claim: claimOf(9),
          source: 'API',
          failure: { errorClass: 'a', errorCode: 'b', errorMessage: 'c' },
        },
      ]),
    );
    const slots = new DiscardedSlots(stack.database, stack.gate, watch);
    const operations = new FailedEventOperations(stack.database, slots);
    const { rows } = await operations.list({ limit: 9 });
    const discarded = await operations.discard(rows[0]?.id ?? 0, 'why', () => true, BY_SERVICE);
    expect(discarded).toMatchObject({ kind: 'changed' });
    expect(await stack.database.read((unit) => unit.failedEvents.unreleased(9))).toEqual([]);
    expect(watch.pass).toEqual(pass);
  });
});

describe('a campaign that has left the gate', () => {
  const reconcilerOf = () =>
    new GateReconciler(
      stack.database,
      stack.gate,
      watch,
      new RecoveryMetrics(new MetricsRegistry(), watch),
      termsAtGateOf(stack, watch),
      new StoredCampaignIds(),
      unexplainedClaimsOf(stack, watch),
      new QuietCampaigns(),
    );
  const age = () => execute('UPDATE campaigns SET created_at = 0');

  it('is no fence to the reconciler, nor to a builder that asks whether the gate serves', async () => {
    await age();
    await leave();
    await reconcilerOf().reconcile();
    expect(watch.pass).toEqual(pass);
    expect(await findFence(stack.database, stack.gate, pass)).toBeNull();
  });

  it('is no fence to those who have read its row before it left', async () => {
    await age();
    const gauge = stack.gate.gauge.bind(stack.gate);
    let left = false;
    stack.gate.gauge = async (own, ids) => {
      stack.gate.gauge = gauge;
      if (!left) await leave();
      left = true;
      return gauge(own, ids);
    };
    await reconcilerOf().reconcile();
    expect(left).toBe(true);
    expect(watch.pass).toEqual(pass);
  });

  it('is a fence to nobody, but one that is lost without a mark is', async () => {
    await age();
    await leave();
    stack.memory.remove(pass.epoch, 'other');
    expect(await findFence(stack.database, stack.gate, pass)).toBe('meta-missing');
    await reconcilerOf().reconcile();
    expect(watch.pass).toBeNull();
  });

  it('is a fence when the database was restored to a moment before the mark, and is at the gate again after it', async () => {
    await leave();
    await execute('UPDATE campaigns SET created_at = 0, left_gate_at = NULL, gate_cleared_at = NULL');
    await reconcilerOf().reconcile();
    expect(watch.pass).toBeNull();
    await rebuilderOf(stack).rebuild(pass.epoch);
    await watch.refresh();
    pass = watch.pass as GatePass;
    expect(await stack.gate.gauge(pass, ['default'])).toMatchObject([{ kind: 'gauge', claimed: 2, pending: 0 }]);
    expect(await apply('u1')).toMatchObject({ kind: 'already-claimed', claim: { claimId: claimOf(1).claimId } });
  });

  it('is left out by a rebuild, with its coupons, and its winners are still answered', async () => {
    await leave();
    wipeGate(stack);
    const listed: string[] = [];
    const snapshot = stack.database.snapshot.bind(stack.database);
    stack.database.snapshot = (work) =>
      snapshot((unit) => {
        const { listIssuedOf, listIssuedOfAll } = unit.coupons;
        unit.coupons.listIssuedOf = (id, ...rest) => {
          listed.push(id);
          return listIssuedOf.call(unit.coupons, id, ...rest);
        };
        unit.coupons.listIssuedOfAll = (ids) => {
          listed.push(...ids);
          return listIssuedOfAll.call(unit.coupons, ids);
        };
        return work(unit);
      });
    await rebuilderOf(stack).rebuild(pass.epoch);
    expect(listed).toEqual(['other']);
    await watch.refresh();
    pass = watch.pass as GatePass;
    expect(await stack.gate.gauge(pass, ['default'])).toEqual([{ kind: 'fenced', reason: 'meta-missing' }]);
    expect(await apply('u1')).toMatchObject({ kind: 'already-claimed', claim: { claimId: claimOf(1).claimId } });
    expect(await apply('u9')).toEqual({ kind: 'campaign-closed' });
    expect(watch.pass).toEqual(pass);
  });
});
