import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { Client } from '../support/client.js';
import { Cluster, type Member } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { expectKept, openDrop, passed, sellOut, usersOf } from './fault-drop.js';
import { libfaketime } from './fault-programs.js';
import { between, fault } from './fault-test.js';

/** How much too early or too late a window may open or close, ms. */
const TOLERANCE_MS = 1_000;

/** The variables that set a process's wall clock wrong. */
function clockOff(minutes: number): Record<string, string> {
  const library = libfaketime();
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install libfaketime');
  return {
    LD_PRELOAD: library,
    FAKETIME: `${minutes < 0 ? '-' : '+'}${Math.abs(minutes)}m`,
    // A wrong clock shows the wrong time. It does not run at another speed.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** How wrong the clock of a process is, by the Date of its answers. */
async function minutesOff({ url }: Member): Promise<number> {
  const { headers } = await fetch(`${url}/health/live`);
  return Math.round((Date.parse(headers.get('date') ?? '') - Date.now()) / 60_000);
}

describe('with clocks that are 10 minutes fast and slow', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 0, workers: 0 });
    await Promise.all([
      cluster.add('api', clockOff(10)),
      cluster.add('api', clockOff(-10)),
      cluster.add('worker', clockOff(-10)),
      cluster.add('worker', clockOff(10)),
    ]);
    await cluster.ready();
    // If the library were not loaded, every clock would be right.
    const wrong = await Promise.all(cluster.members.map(minutesOff));
    expect(wrong).toEqual([10, -10, -10, 10]);
  }, 120_000);
  afterAll(() => cluster.stop());

  fault(31, 'a window opens and closes on time, and all promises are kept', async () => {
    const startsAt = Date.now() + 4_000;
    const endsAt = startsAt + 6_000;
    drop = await openDrop(cluster, 2_000, {
      startsAt: new Date(startsAt).toISOString(),
      endsAt: new Date(endsAt).toISOString(),
    });
    const admitted: number[] = [];
    const clients = cluster.apis().map(({ url }) => new Client(url));
    for (let n = 0; Date.now() < endsAt + 2_000 && n < 20_000; n++) {
      const words = await Promise.all(clients.map((client, at) => drop.press(client, `user-${n}-${at}`)));
      const at = Date.now();
      if (words.some((word) => word === '202')) admitted.push(at);
      // Both apis go by the same clock.
      if (at > startsAt + TOLERANCE_MS && at < endsAt - TOLERANCE_MS) expect(words).toEqual(['202', '202']);
      await passed(20);
    }
    expect(Math.min(...admitted)).toBeGreaterThan(startsAt - TOLERANCE_MS);
    expect(Math.min(...admitted)).toBeLessThan(startsAt + TOLERANCE_MS);
    expect(Math.max(...admitted)).toBeLessThan(endsAt + TOLERANCE_MS);
    // Fewer users asked than there are coupons.
    const asked = Object.assign(drop, { total: drop.promised().length });
    await expectKept(cluster, asked, 30_000, { campaign: ['409 campaign-not-started', '409 campaign-ended'] });
    drop.close();
  });

  fault(31, 'what a killed api has left behind is looked after, and nothing else', async () => {
    const failing = await cluster.addFailing('api', 'kill-before-publish', between(20, 60));
    await cluster.ready();
    drop = await openDrop(cluster, 500);
    const running = drop.run(cluster.client(), { users: usersOf(300), tries: 3, width: 20 });
    await failing.process.exit();
    const mended = performance.now();
    await cluster.end(failing, 'SIGKILL');
    await running;
    await drop.run(cluster.client(), { users: usersOf(500, 'after-'), tries: 3, width: 20 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended, killed: true });
    // The sweeper took no claim for lost that was still on its way, only claims whose callers got no answer.
    const [swept] = await cluster.rows(
      "SELECT COUNT(*) AS count FROM failed_events WHERE campaign_id = ? AND source = 'SWEEPER'",
      [drop.campaignId],
    );
    const { 'no answer': unanswered = 0, '503 claim-unconfirmed': unconfirmed = 0 } = drop.tally();
    expect(Number(swept?.['count'])).toBeLessThanOrEqual(unanswered + unconfirmed);
    drop.close();
  });

  fault(31, 'a sweeper whose clock is fast takes no claim for lost that waits for the consumer', async () => {
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    const sweeper = await cluster.add('worker', { ROLES: 'retry', ...clockOff(10) });
    await cluster.ready();
    expect(await minutesOff(sweeper)).toBe(10);
    drop = await openDrop(cluster, 300);
    await drop.run(cluster.client(), { users: usersOf(400), tries: 3, width: 20 });
    // The sweeper runs every 10 s.
    await passed(25_000);
    expect(await cluster.rows('SELECT * FROM failed_events WHERE campaign_id = ?', [drop.campaignId])).toEqual([]);
    await cluster.end(sweeper, 'SIGTERM');
    await Promise.all([cluster.add('worker', clockOff(-10)), cluster.add('worker', clockOff(10))]);
    await cluster.ready();
    await expectKept(cluster, drop, 30_000);
    drop.close();
  });
});
