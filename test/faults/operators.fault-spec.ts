import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Answer } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { answered, expectKept, openDrop, passed, sellOut, type Strike, usersOf, withTrickle } from './fault-drop.js';
import { fault } from './fault-test.js';
import { execute } from './strikes.js';

describe('while operators turn the knobs', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  const patch = (body: Record<string, unknown>): Promise<Answer> =>
    cluster.client().admin('PATCH', `/api/admin/campaigns/${drop.campaignId}`, { body, ifMatch: '*' });

  /** Makes one change as an operator who tries again until it is done. */
  const change = async (body: Record<string, unknown>): Promise<Answer> =>
    eventually(async () => {
      const answer = await patch(body);
      expect([answer.status, answer.body.code]).toEqual([200, undefined]);
      return answer;
    }, 30_000);

  /**
   * Lowers the total to `room` above the number of claims at that moment, while claims come in. `meanwhile` strikes
   * between that reading and the change, which is then tried until it is done.
   * @returns the new total.
   */
  const lower = async (room: number, meanwhile: Strike): Promise<number> => {
    let { gate } = (await cluster.client().audit(drop.campaignId)) as { gate: number };
    await meanwhile(cluster, drop);
    return eventually(async () => {
      const { status, body } = await patch({ total: gate + room });
      if (body.code === 'total-below-claimed') gate = Number((await cluster.client().audit(drop.campaignId)).gate);
      expect([status, body.code]).toEqual([200, undefined]);
      return gate + room;
    }, 30_000);
  };

  const act = (action: 'pause' | 'resume') =>
    eventually(async () => {
      const path = `/api/admin/campaigns/${drop.campaignId}/${action}`;
      const { status, body } = await cluster.client().admin('POST', path, { ifMatch: '*' });
      expect([status, body.code]).toEqual([200, undefined]);
    }, 30_000);

  /** The answers that callers may get after an operator has paused the campaign or changed its total. */
  const changed = { campaign: ['409 campaign-paused'], totalChanged: true } as const;

  const wipe: Strike = (installation) => installation.redis(async (redis) => void (await redis.flushall()));

  for (const { when, meanwhile, refusals } of [
    { when: 'under load', meanwhile: async () => undefined, refusals: 0 },
    // During a rebuild the gate refuses.
    { when: 'while the gate is being rebuilt', meanwhile: wipe, refusals: 20 },
  ] as { when: string; meanwhile: Strike; refusals: number }[]) {
    fault(34, `the total is raised and lowered, the campaign paused and resumed ${when}`, async () => {
      drop = await openDrop(cluster, 3_000);
      const client = cluster.client();
      await withTrickle(drop, client, async () => {
        for (let round = 0; round < 4; round++) {
          await answered(drop, '202');
          if (round % 2 === 0) await meanwhile(cluster, drop);
          await change({ total: 3_000 + 500 * (round + 1) });
          if (round % 2 === 1) await meanwhile(cluster, drop);
          await act('pause');
          const paused = performance.now();
          await passed(1_000);
          const before = drop.promised().length;
          await eventually(() => expect(performance.now() - paused).toBeGreaterThan(2_000));
          // From a second after the pause, nothing is sold.
          expect(drop.promised().length).toBe(before);
          await answered(drop, '409 campaign-paused');
          expect(drop.promised().length).toBe(before);
          // Below the raised total, but never below the coupons that are given out already.
          const { body } = await patch({ total: 3_000 });
          expect([undefined, 'total-below-claimed', 'gate-not-told']).toContain(body.code);
          await act('resume');
        }
        await answered(drop, '202');
      });
      expect(drop.tally()['503 issuer-unavailable'] ?? 0).toBeGreaterThanOrEqual(refusals);

      await change({ total: 20_000 });
      const running = drop.run(client, { users: usersOf(2_000, 'lowered-'), tries: 2, width: 10 });
      const lowered = Object.assign(drop, { total: await lower(300, meanwhile) });
      await meanwhile(cluster, drop);
      let mended = performance.now();
      await running;
      await sellOut(cluster, lowered);
      await expectKept(cluster, lowered, 30_000, { mended, ...changed });

      const raised = Object.assign(drop, { total: lowered.total + 1_000 });
      await change({ total: raised.total });
      mended = performance.now();
      await raised.run(client, { users: usersOf(2_000, 'raised-'), tries: 3, width: 50 });
      await sellOut(cluster, raised);
      await expectKept(cluster, raised, 30_000, { mended, ...changed });
    });

    fault(34, `failed events are discarded and requeued ${when}`, async () => {
      drop = await openDrop(cluster, 2_000);
      await refuseBad();
      const client = cluster.client();
      await drop.run(client, { users: [...usersOf(100), ...usersOf(40, 'bad-')], tries: 3, width: 50 });
      const refused = await eventually(async () => {
        const rows = await cluster.rows(
          'SELECT id, user_id FROM failed_events WHERE campaign_id = ? AND attempts > 0 ORDER BY id',
          [drop.campaignId],
        );
        expect(rows).toHaveLength(40);
        return rows;
      }, 30_000);
      const takenBack = new Set<string>();
      const [discarded, requeued] = [refused.slice(0, 20), refused.slice(20)];
      let mended = 0;
      await withTrickle(drop, client, async () => {
        await answered(drop, '202');
        await meanwhile(cluster, drop);
        for (const { id, user_id: user } of discarded) {
          await operate(Number(id), 'discard');
          takenBack.add(String(user));
        }
        await answered(drop, '202');
        await execute(cluster, 'DROP TRIGGER bad');
        await meanwhile(cluster, drop);
        for (const { id } of requeued) await operate(Number(id), 'requeue');
        await answered(drop, '202');
        mended = performance.now();
      });
      expect(drop.tally()['503 issuer-unavailable'] ?? 0).toBeGreaterThanOrEqual(refusals);
      await drop.run(client, { users: usersOf(3_000, 'more-'), tries: 3, width: 50 });
      await sellOut(cluster, drop);
      // An operator has discarded these claims, and their slots went to other users.
      await expectKept(cluster, drop, 45_000, { mended, excuse: ({ userId }) => takenBack.has(userId) });
    });
  }

  /** Makes the database refuse these rows as data that can never be stored. */
  const refuseBad = () =>
    execute(
      cluster,
      `CREATE TRIGGER bad BEFORE INSERT ON coupons FOR EACH ROW
       IF NEW.user_id LIKE 'bad-%' THEN SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'no'; END IF`,
    );

  const operate = (id: number, verb: 'discard' | 'requeue') =>
    // An event that is being published cannot be requeued at this moment. The operator tries again.
    eventually(async () => {
      const [row] = await cluster.rows('SELECT status FROM failed_events WHERE id = ?', [id]);
      // The retry was faster than the operator, because the fault is over.
      if (verb === 'requeue' && row?.['status'] === 'RESOLVED') return;
      const answer = await cluster.client().admin('POST', `/api/admin/failed-events/${id}/${verb}`, {
        ifMatch: '*',
        ...(verb === 'discard' ? { body: { reason: 'the user gave it back' } } : {}),
      });
      expect([answer.status, answer.body.code]).toEqual([200, undefined]);
    }, 30_000);
});
