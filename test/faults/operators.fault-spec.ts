import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { type Answer } from '../support/client.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { expectKept, openDrop, passed, sellOut, type Strike, usersOf } from './fault-drop.js';
import { fault } from './fault-test.js';
import { execute, withRedis } from './strikes.js';

describe('while operators turn the knobs', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  /** One change by an operator who comes back until it is done. */
  const change = async (body: Record<string, unknown>): Promise<Answer> =>
    eventually(async () => {
      const answer = await cluster
        .client()
        .admin('PATCH', `/api/admin/campaigns/${drop.campaignId}`, { body, ifMatch: '*' });
      expect([answer.status, answer.body.code]).toEqual([200, undefined]);
      return answer;
    }, 30_000);

  const act = (action: 'pause' | 'resume') =>
    eventually(async () => {
      const path = `/api/admin/campaigns/${drop.campaignId}/${action}`;
      const { status, body } = await cluster.client().admin('POST', path, { ifMatch: '*' });
      expect([status, body.code]).toEqual([200, undefined]);
    }, 30_000);

  const wipe: Strike = (installation) => withRedis(installation, async (redis) => void (await redis.flushall()));

  for (const [when, meanwhile] of [
    ['under load', async () => undefined],
    ['while the gate is being rebuilt', wipe],
  ] as [string, Strike][]) {
    fault(34, `the total is raised and lowered, the campaign paused and resumed ${when}`, async () => {
      drop = await openDrop(cluster, 1_000);
      const running = drop.run(cluster.client(), { users: usersOf(6_000), tries: 3, width: 50 });
      await eventually(() => expect(drop.promised().length).toBeGreaterThan(50));
      await meanwhile(cluster, drop);
      for (let round = 0; round < 4; round++) {
        await change({ total: 1_000 + 200 * (round + 1) });
        await act('pause');
        const paused = performance.now();
        await passed(1_000);
        const before = drop.promised().length;
        await eventually(() => expect(performance.now() - paused).toBeGreaterThan(2_000));
        // A second after the pause nothing is sold any more.
        expect(drop.promised().length).toBe(before);
        // Down to less than was raised; never below what is given out already.
        const { body } = await cluster
          .client()
          .admin('PATCH', `/api/admin/campaigns/${drop.campaignId}`, { body: { total: 1_000 }, ifMatch: '*' });
        expect([undefined, 'total-below-claimed', 'issuer-unavailable']).toContain(body.code);
        await act('resume');
      }
      await change({ total: 2_000 });
      const mended = performance.now();
      await running;
      const raised = Object.assign(drop, { total: 2_000 });
      await raised.run(cluster.client(), { users: usersOf(4_000, 'after-'), tries: 3, width: 50 });
      await sellOut(cluster, raised);
      await expectKept(cluster, raised, 30_000, { mended });
    });
  }

  fault(34, 'failed events are discarded and requeued under load', async () => {
    drop = await openDrop(cluster, 600);
    // What the database says of data that can never be stored.
    await execute(
      cluster,
      `CREATE TRIGGER bad BEFORE INSERT ON coupons FOR EACH ROW
       IF NEW.user_id LIKE 'bad-%' THEN SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'no'; END IF`,
    );
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
    const running = drop.run(client, { users: usersOf(2_000, 'more-'), tries: 3, width: 50 });
    const operate = (id: number, verb: 'discard' | 'requeue') =>
      // One that is being published at this moment cannot be requeued; the operator tries again.
      eventually(async () => {
        const [row] = await cluster.rows('SELECT status FROM failed_events WHERE id = ?', [id]);
        // The retry was faster, now that nothing stands in its way.
        if (verb === 'requeue' && row?.['status'] === 'RESOLVED') return;
        const answer = await client.admin('POST', `/api/admin/failed-events/${id}/${verb}`, {
          ifMatch: '*',
          ...(verb === 'discard' ? { body: { reason: 'the user gave it back' } } : {}),
        });
        expect([answer.status, answer.body.code]).toEqual([200, undefined]);
      }, 30_000);
    const takenBack = new Set<string>();
    const [discarded, requeued] = [refused.slice(0, 20), refused.slice(20)];
    for (const { id, user_id: user } of discarded) {
      await operate(Number(id), 'discard');
      takenBack.add(String(user));
    }
    await execute(cluster, 'DROP TRIGGER bad');
    for (const { id } of requeued) await operate(Number(id), 'requeue');
    const mended = performance.now();
    await running;
    await sellOut(cluster, drop);
    // An operator has taken these back, and their slots went to others.
    await expectKept(cluster, drop, 45_000, { mended, excuse: ({ userId }) => takenBack.has(userId) });
  });
});
