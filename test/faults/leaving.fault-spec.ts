import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Answer } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { expectKept, openDrop, sellOut, usersOf } from './fault-drop.js';
import { fault } from './fault-test.js';

const COUNTS = { apis: 2, workers: 1 };

describe('while a closed campaign leaves the gate', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start(COUNTS, { GATE_RETENTION: '1s' });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(async () => {
    drop.close();
    await cluster.fill(COUNTS);
  }, 90_000);

  const row = async () =>
    (await cluster.rows('SELECT left_gate_at, gate_cleared_at FROM campaigns WHERE id = ?', [drop.campaignId]))[0];
  const keys = () => cluster.redis((redis) => redis.keys(`*:${drop.campaignId}}*`));
  const close = () =>
    eventually(async () => {
      const path = `/api/admin/campaigns/${drop.campaignId}/close`;
      const { status, body } = await cluster.client().admin('POST', path, {});
      expect([status, body.code]).toEqual([200, undefined]);
    }, 30_000);

  /** The claim that a winner is shown, and what another user hears. */
  const ask = async (winner: string): Promise<[Answer, Answer]> => {
    const client = cluster.client();
    const shown = await client.claim(winner, drop.campaignId);
    return [shown, await client.claim('too-late', drop.campaignId)];
  };
  const expectAnswered = async (winner: string, sequence: number): Promise<void> => {
    const [shown, refused] = await eventually(async () => {
      const answers = await ask(winner);
      expect(answers.map(({ status }) => status)).toEqual([409, 409]);
      return answers;
    }, 20_000);
    expect(shown.body).toMatchObject({ code: 'already-claimed', claim: { sequence, campaignId: drop.campaignId } });
    expect(refused.body.code).toBe('campaign-closed');
  };

  fault(40, 'its process is killed between the mark and the removal, and the gate is lost after that', async () => {
    drop = await openDrop(cluster, 200);
    await drop.run(cluster.client(), { users: usersOf(400), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    const [first] = await cluster.rows(
      'SELECT user_id, sequence FROM coupons WHERE campaign_id = ? ORDER BY id LIMIT 1',
      [drop.campaignId],
    );
    const [winner, sequence] = [String(first?.['user_id']), Number(first?.['sequence'])];
    const epoch = await cluster.epoch();

    for (const member of cluster.workers()) await cluster.end(member, 'SIGTERM');
    const failing = await cluster.addFailing('worker', 'kill-before-removal', 1);
    await cluster.ready();
    await close();
    await failing.process.printed(/failpoint/);
    await failing.process.exit();
    await cluster.end(failing, 'SIGKILL');
    expect(await row()).toMatchObject({ left_gate_at: expect.anything(), gate_cleared_at: null });
    expect((await keys()).length).toBeGreaterThan(0);
    await expectAnswered(winner, sequence);

    await cluster.add('worker');
    await eventually(async () => expect((await row())?.['gate_cleared_at']).not.toBeNull(), 30_000);
    expect(await keys()).toEqual([]);
    await expectAnswered(winner, sequence);
    // No process has taken the missing meta for a fence.
    expect(await cluster.epoch()).toBe(epoch);

    await cluster.redis(async (redis) => void (await redis.flushall()));
    await eventually(async () => expect(await cluster.epoch()).toBeGreaterThan(epoch), 20_000);
    const mended = performance.now();
    await expectAnswered(winner, sequence);
    expect(await keys()).toEqual([]);
    expect(await cluster.client().audit(drop.campaignId)).toMatchObject({
      gate: null,
      rows: 200,
      issued: 200,
      drift: 0,
    });
    await expectKept(cluster, drop, 20_000, { mended, campaign: ['409 campaign-closed'] });
  });
});
