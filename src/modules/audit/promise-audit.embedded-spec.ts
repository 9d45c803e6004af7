import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { discardClaim, failToPublish } from '../../../test/support/failed-events.js';
import { issueCoupons, openPass, rebuilderOf, watchOf } from '../../../test/support/recovery.js';
import { type ClaimEvent } from '../../domain/claim.js';
import { systemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { type CampaignTerms, type GatePass, GateTimeoutError } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { CouponCounts } from './coupon-counts.js';
import { type CampaignAudit, PromiseAudit } from './promise-audit.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let watch: EpochWatch;
let pass: GatePass;
let audit: () => Promise<CampaignAudit>;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total: 100 });
  await rebuilderOf(stack).rebuild(0);
  pass = await openPass(stack);
  watch = watchOf(stack);
  await watch.refresh();
  const promises = auditOf();
  audit = async () => {
    const found = await promises.audit('default');
    if (found === null) throw new Error('no such campaign');
    return found;
  };
});

afterEach(async () => {
  await stack.close();
});

const auditOf = () =>
  new PromiseAudit(stack.database, stack.gate, watch, new CouponCounts(stack.database, systemClock, systemTimers));
const sql = (text: string) => stack.connection.exclusive((runner) => runner.query(text));
const memory = () => stack.memory.campaign(pass.epoch, 'default');

/** Claims users 1 … count at the gate. */
async function admit(count: number): Promise<ClaimEvent[]> {
  const events: ClaimEvent[] = [];
  for (let number = 1; number <= count; number++) {
    const claim = claimOf(number, { epoch: pass.epoch });
    const outcome = await stack.gate.claim(pass, { ...claim, idempotencyDigest: null });
    if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
    events.push(claim);
  }
  return events;
}

async function issue(claims: ClaimEvent[]): Promise<void> {
  await issueCoupons(stack, claims);
  await stack.gate.clearPending(pass, claims);
}

describe('drift is 0', () => {
  it('in a healthy system at rest, with the numbers to see it', async () => {
    await issue(await admit(5));
    expect(await audit()).toEqual({
      campaignId: 'default',
      total: 100,
      gate: 5,
      leftGateAt: null,
      pending: 0,
      oldestPendingMs: null,
      issued: 5,
      rows: 5,
      rowsCountedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      failed: { PENDING: 0, PUBLISHING: 0, REPUBLISHED: 0, RESOLVED: 0, DEAD: 0, DISCARDED: 0 },
      drift: 0,
    });
  });

  it('while claims are in flight: admitted, stored, or stored and not yet cleared', async () => {
    const claims = await admit(9);
    await issue(claims.slice(0, 3));
    await issueCoupons(stack, claims.slice(3, 6));
    expect(await audit()).toMatchObject({ gate: 9, pending: 6, issued: 6, rows: 6, drift: 0 });
    expect((await audit()).oldestPendingMs).toBeGreaterThanOrEqual(0);
  });

  it('while claims wait as failed events, cleared or still pending, or are dead', async () => {
    const claims = await admit(5);
    await failToPublish(stack, ...claims);
    await stack.gate.clearPending(pass, claims.slice(0, 3));
    await sql("UPDATE failed_events SET status = 'DEAD' WHERE user_id = 'u1'");
    expect(await audit()).toMatchObject({ gate: 5, pending: 2, rows: 0, failed: { PENDING: 4, DEAD: 1 }, drift: 0 });
  });

  it('while the slot of a discarded claim waits to be given back, and after that', async () => {
    const [claim] = await admit(1);
    if (claim === undefined) throw new Error('no claim');
    await failToPublish(stack, claim);
    await stack.gate.clearPending(pass, [claim]);
    await discardClaim(stack, claim);
    expect(await audit()).toMatchObject({ gate: 1, failed: { DISCARDED: 1 }, drift: 0 });
    await stack.gate.release(pass, claim);
    await sql('UPDATE failed_events SET released_at = 1');
    expect(await audit()).toMatchObject({ gate: 0, drift: 0 });
  });

  it('for a failed event that came from outside and never had a slot', async () => {
    await issue(await admit(2));
    await failToPublish(stack, claimOf(77));
    expect(await audit()).toMatchObject({ gate: 2, rows: 2, drift: 0 });
  });

  it('after a rebuild with claims of every kind', async () => {
    const claims = await admit(9);
    await issueCoupons(stack, claims.slice(0, 3));
    await failToPublish(stack, ...claims.slice(2, 6));
    for (const claim of claims.slice(6, 8)) await stack.log.publish(claim);
    await rebuilderOf(stack).rebuild(pass.epoch);
    await watch.refresh();
    // The ninth was only in the gate's memory, and the builder has taken it over.
    expect(await audit()).toMatchObject({ gate: 9, pending: 6, rows: 3, drift: 0 });
  });

  it('also when everything moves between the looks at gate and database', async () => {
    const claims = await admit(40);
    const { database } = stack;
    const snapshot = database.snapshot.bind(database);
    let moved = 0;
    database.snapshot = async (work) => {
      const [first, second] = [claims[moved++], claims[moved++]];
      if (first !== undefined && second !== undefined) {
        await issue([first]);
        await issueCoupons(stack, [second]);
      }
      const seen = await snapshot(work);
      await stack.gate.claim(pass, { ...claimOf(100 + moved), idempotencyDigest: null });
      if (second !== undefined) await stack.gate.clearPending(pass, [second]);
      return seen;
    };
    const pendingBefore = stack.gate.pendingBefore.bind(stack.gate);
    stack.gate.pendingBefore = async (...asked) => {
      await stack.gate.claim(pass, { ...claimOf(200 + moved), idempotencyDigest: null });
      return pendingBefore(...asked);
    };
    for (let look = 0; look < 15; look++) expect(await audit()).toMatchObject({ drift: 0 });
  });
});

describe('what is shown belongs to one instant', () => {
  const expectOnePicture = ({ gate, pending, issued, rows, drift }: CampaignAudit) => {
    expect(drift).toBe(0);
    if (gate === null || pending === null) throw new Error('the gate was not asked');
    expect(rows).toBe(issued);
    expect(rows).toBeLessThanOrEqual(gate);
    expect(gate - pending).toBeLessThanOrEqual(rows);
  };

  it('where coupons are made and cleared after the gate was read and before the rows are counted', async () => {
    const claims = await admit(60);
    const { database } = stack;
    const snapshot = database.snapshot.bind(database);
    let moved = 0;
    database.snapshot = async (work) => {
      const next = claims.slice(moved, (moved += 10));
      for (let n = 0; n < 10; n++) {
        await stack.gate.claim(pass, { ...claimOf(100 + moved + n), idempotencyDigest: null });
      }
      await issue(next);
      return snapshot(work);
    };
    for (let look = 0; look < 5; look++) {
      const before = moved;
      const seen = await audit();
      expectOnePicture(seen);
      expect(seen).toMatchObject({ rows: before, gate: 60 + before });
    }
  });

  it('however fast claims and coupons follow each other', async () => {
    await sql('UPDATE campaigns SET total = 100000');
    let ending = false;
    let number = 0;
    const admitted: ClaimEvent[] = [];
    const claim = async () => {
      while (!ending) {
        const event = claimOf(++number, { epoch: pass.epoch });
        const outcome = await stack.gate.claim(pass, { ...event, idempotencyDigest: null });
        if (outcome.kind === 'admitted') admitted.push(event);
        await new Promise(setImmediate);
      }
    };
    const persist = async () => {
      while (!ending) {
        await issue(admitted.splice(0, 50));
        await new Promise(setImmediate);
      }
    };
    await stack.gate.changeTerms(pass, { ...(memory().terms as CampaignTerms), total: 100_000, version: 2 });
    await sql('UPDATE campaigns SET version = 2');
    const running = Promise.all([claim(), claim(), persist()]);
    try {
      let rows = 0;
      for (let look = 0; look < 50; look++) {
        const seen = await audit();
        expectOnePicture(seen);
        rows = seen.rows;
      }
      expect(rows).toBeGreaterThan(0);
    } finally {
      ending = true;
      await running;
    }
  });
});

describe('drift is not 0', () => {
  it('when a coupon row vanished', async () => {
    await issue(await admit(5));
    await sql("DELETE FROM coupons WHERE user_id = 'u3'");
    expect((await audit()).drift).toBeGreaterThan(0);
  });

  it('when a coupon row vanished and the counter was corrected to hide it', async () => {
    await issue(await admit(5));
    await sql("DELETE FROM coupons WHERE user_id = 'u3'");
    await sql('UPDATE campaigns SET issued = 4');
    expect(await audit()).toMatchObject({ issued: 4, rows: 4, gate: 5, drift: 1 });
  });

  it('when the counter is wrong', async () => {
    await issue(await admit(5));
    await sql('UPDATE campaigns SET issued = 7');
    expect(await audit()).toMatchObject({ drift: 2 });
  });

  it('when more coupons exist than the total', async () => {
    await issue(await admit(5));
    await sql('UPDATE campaigns SET issued = 0');
    await sql('UPDATE campaigns SET total = 3');
    expect(await audit()).toMatchObject({ drift: 5 + 2 });
  });

  it('when the gate holds a claim that is not pending and not in the database, also beside claims in flight', async () => {
    const claims = await admit(6);
    await issue(claims.slice(0, 2));
    await issueCoupons(stack, claims.slice(2, 4));
    await failToPublish(stack, claimOf(77));
    await stack.gate.clearPending(pass, claims.slice(4, 5));
    expect(await audit()).toMatchObject({ gate: 6, pending: 3, rows: 4, drift: 1 });
  });

  it('when a coupon is missing at the gate, also beside claims in flight and waiting ones', async () => {
    const claims = await admit(6);
    await issue(claims.slice(0, 2));
    await issueCoupons(stack, claims.slice(2, 3));
    await failToPublish(stack, ...claims.slice(3, 4));
    await stack.gate.clearPending(pass, claims.slice(3, 4));
    expect(await audit()).toMatchObject({ drift: 0 });
    memory().applied.delete('u1');
    memory().count -= 1;
    expect(await audit()).toMatchObject({ gate: 5, rows: 3, drift: 1 });
  });
});

describe('while the gate is untrusted', () => {
  it.each([
    ['a fence was met', () => watch.reportFence(pass.epoch, 'meta-missing')],
    ['the campaign is damaged', () => memory().applied.clear()],
    ['everything is gone', () => stack.memory.drop(pass.epoch)],
    ['it does not answer', () => (stack.gate.gauge = () => Promise.reject(new GateTimeoutError('no answer')))],
  ])('the audit tells what the database knows: %s', async (_what, happen) => {
    await issue(await admit(3));
    happen();
    expect(await audit()).toMatchObject({ gate: null, pending: null, oldestPendingMs: null, rows: 3, drift: 0 });
    await sql('UPDATE campaigns SET issued = 1');
    expect(await audit()).toMatchObject({ gate: null, drift: 2 });
  });
});

it('knows no campaign that does not exist', async () => {
  expect(await auditOf().audit('nowhere')).toBeNull();
});
