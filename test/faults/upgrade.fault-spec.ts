import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Build, type Builds, twoBuilds } from '../support/builds.js';
import { Client } from '../support/client.js';
import { Cluster, type Duty, type Member } from '../support/cluster.js';
import { type Allowance, type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { allSettled } from '../support/topic.js';
import { claimsAgain, expectKept, openDrop, sellOut, sellsOn, usersOf, withTrickle } from './fault-drop.js';
import { fault } from './fault-test.js';

const DUTIES: readonly Duty[] = ['api', 'api', 'worker', 'worker'];
const TOTAL = 6_000;
/** The last callers come in a crowd, more than there are coupons. */
const CROWD = 8_000;

/** A running installation gets another build while callers claim, one process after another. */
describe('an upgrade', () => {
  let root: string;
  let builds: Builds;
  let cluster: Cluster;
  let drop: Drop | undefined;
  let buildOf: Map<Member, Build>;
  let stages: number;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'coupon-builds-'));
    builds = twoBuilds(root);
    process.stdout.write(`before: ${builds.before.name}; after: ${builds.after.name}\n`);
  }, 300_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  beforeEach(async () => {
    buildOf = new Map();
    stages = 0;
    // Each round begins with the schema of its first build.
    cluster = await Cluster.start({ apis: 0, workers: 0 });
  }, 60_000);
  afterEach(async () => {
    drop?.close();
    await cluster.stop();
  }, 60_000);

  const add = async (duty: Duty, build: Build): Promise<Member> => {
    const member = await cluster.add(duty, {}, build.start);
    buildOf.set(member, build);
    return member;
  };
  const begin = async (build: Build): Promise<Drop> => {
    // The first one makes schema and topic.
    for (const duty of DUTIES) {
      await add(duty, build);
      await cluster.ready();
    }
    return openDrop(cluster, TOTAL);
  };

  /** Callers claim at these apis while something is done. */
  const whileClaimed = (claimed: Drop, apis: readonly Member[], work: () => Promise<void>) => {
    const client = new Client(...apis.map(({ url }) => url)).withFreshConnections();
    return withTrickle(claimed, client, work, { prefix: `stage-${++stages}`, everyMs: 40 });
  };

  /** A process of this build takes the place of a running one. Callers know the one that leaves until it is gone. */
  const replace = (claimed: Drop, leaving: Member, build: Build) =>
    whileClaimed(claimed, cluster.apis(), async () => {
      await add(leaving.duty, build);
      await cluster.ready();
      expect(await cluster.end(leaving, 'SIGTERM')).toBe(0);
    });
  const replaceAll = async (claimed: Drop, leaving: readonly Member[], build: Build) => {
    for (const member of leaving) await replace(claimed, member, build);
  };

  /** The gate is lost while only processes of this build are awake. So one of them builds it, and all use its script. */
  const rebuiltBy = async (claimed: Drop, build: Build) => {
    const awake = cluster.apis().filter((member) => buildOf.get(member) === build);
    const asleep = cluster.members.filter((member) => buildOf.get(member) !== build);
    expect(awake.length).toBeGreaterThan(0);
    const before = await cluster.epoch();
    for (const { process } of asleep) process.signal('SIGSTOP');
    try {
      await whileClaimed(claimed, awake, async () => {
        await cluster.redis(async (redis) => void (await redis.script('FLUSH')));
        await eventually(async () => {
          const [row] = await cluster.rows('SELECT epoch, script_sha FROM gate');
          expect(Number(row?.['epoch'])).toBeGreaterThan(before);
          expect(row?.['script_sha']).not.toBeNull();
        }, 30_000);
      });
    } finally {
      for (const { process } of asleep) process.signal('SIGCONT');
    }
    await claimsAgain(claimed, cluster.apis(), 30_000);
  };

  /** From now on no event counts that no process has signed. The build before signs none. */
  const refuseUnsigned = async () => {
    const command = [resolve('dist/rotate-event-key.js'), '--refuse-unsigned'];
    const process = ServiceProcess.spawn(cluster.environment, command);
    expect([await process.exit(), process.text]).toEqual([0, expect.stringContaining('are refused since')]);
  };

  /** Is this campaign in the list of every caller, at an api of this build? */
  const isShownBy = async (build: Build, id: string): Promise<boolean> => {
    const member = cluster.apis().find((api) => buildOf.get(api) === build) as Member;
    const client = new Client(member.url).withFreshConnections();
    const { status } = await client.get(`/api/campaigns/${id}`);
    const { items } = (await client.get('/api/campaigns?limit=1000')).body as { items: { id: string }[] };
    expect([200, 404]).toContain(status);
    expect(items.some((campaign) => campaign.id === id)).toBe(status === 200);
    return status === 200;
  };

  /** A draft, made by an api of the later build. */
  const makeDraft = async (): Promise<string> => {
    const member = cluster.apis().find((api) => buildOf.get(api) === builds.after) as Member;
    const client = new Client(member.url).withFreshConnections();
    const made = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: 'draft', total: 1, state: 'DRAFT' },
    });
    expect([made.status, made.body.state]).toEqual([201, 'DRAFT']);
    return made.body.id as string;
  };

  /** Is the script in force that of the later build? Its processes say so. */
  const scriptIsLater = (later: boolean) =>
    eventually(async () => {
      for (const member of cluster.members) {
        if (buildOf.get(member) !== builds.after) continue;
        const report = (await (await fetch(`${member.url}/health/ready`)).json()) as {
          gate: { script?: { current: boolean } };
        };
        expect(report.gate.script?.current).toBe(later);
      }
    }, 10_000);

  /** How many coupons were promised since the last time. Both builds have to have sold some. */
  const soldSome = (claimed: Drop, since: number): number => {
    const sold = claimed.promised().length;
    expect(sold).toBeGreaterThan(since);
    expect(sold).toBeLessThan(TOTAL);
    return sold;
  };

  /** An api of this checkout is killed between gate and log. What it has admitted is left to the sweepers that run. */
  const leaveClaims = async (claimed: Drop) => {
    const dying = await cluster.addFailing('api', 'kill-before-publish', 20);
    await cluster.ready();
    await whileClaimed(claimed, [dying], async () => void (await dying.process.exit()));
    await cluster.end(dying, 'SIGKILL');
  };

  /** The rest is sold in a rush, and everything is judged. */
  const finish = async (claimed: Drop, allowance: Allowance = { left: true }) => {
    await claimed.run(cluster.client(), { users: usersOf(CROWD, 'crowd-'), tries: 3, width: 50 });
    await sellOut(cluster, claimed);
    await expectKept(cluster, claimed, 60_000, allowance);
    await sellsOn(cluster);
  };

  fault(
    48,
    'every process is replaced by one of a later build, one after another',
    async () => {
      const { before, after } = builds;
      drop = await begin(before);
      const claimed = drop;
      await whileClaimed(claimed, cluster.apis(), async () => {
        const migration = ServiceProcess.spawn(cluster.environment, after.migrate);
        expect([await migration.exit(), migration.text]).toEqual([0, expect.stringContaining('migrated')]);
      });
      await replaceAll(claimed, cluster.workers(), after);
      const [first, last] = cluster.apis() as [Member, Member];
      await replace(claimed, first, after);
      // An api of each build, and the script of the earlier one.
      await scriptIsLater(false);
      await claimsAgain(claimed, cluster.apis(), 5_000);
      let sold = soldSome(claimed, 0);
      const draft = await makeDraft();
      expect(await isShownBy(before, draft)).toBe(false);
      // The same apis, and the script of the later one.
      await rebuiltBy(claimed, after);
      await scriptIsLater(true);
      await whileClaimed(claimed, cluster.apis(), () => cluster.ready());
      sold = soldSome(claimed, sold);
      // The gate that the later build has built does not know the draft, and neither does the build before.
      await rebuiltBy(claimed, before);
      expect([await isShownBy(before, draft), await isShownBy(after, draft)]).toEqual([false, false]);
      expect((await new Client(last.url).withFreshConnections().apply('early', draft)).status).toBe(404);
      await rebuiltBy(claimed, after);
      await replace(claimed, last, after);
      await scriptIsLater(true);
      soldSome(claimed, sold);
      // Every process signs, and the consumers have settled what the build before has written.
      await eventually(() => allSettled(cluster.servers.kafka.brokers), 30_000);
      await refuseUnsigned();
      await finish(claimed);
      // Each call has its own connection, so it is either refused or answered.
      expect(claimed.words).not.toContain('no answer');
      expect(await cluster.rows("SELECT id FROM failed_events WHERE error_code = 'bad-signature'")).toEqual([]);
    },
    { timeoutMs: 400_000 },
  );

  fault(
    48,
    'every process is replaced by one of the build before, on the later schema',
    async () => {
      const { before, after } = builds;
      // The installation is older than the later build.
      const first = await add('worker', before);
      await cluster.ready();
      await cluster.end(first, 'SIGTERM');
      drop = await begin(after);
      const claimed = drop;
      await rebuiltBy(claimed, after);
      await scriptIsLater(true);
      const [leaving, last] = cluster.apis() as [Member, Member];
      await replace(claimed, leaving, before);
      await claimsAgain(claimed, cluster.apis(), 5_000);
      let sold = soldSome(claimed, 0);
      await rebuiltBy(claimed, before);
      await scriptIsLater(false);
      await whileClaimed(claimed, cluster.apis(), () => cluster.ready());
      sold = soldSome(claimed, sold);
      await replace(claimed, last, before);
      await replaceAll(claimed, cluster.workers(), before);
      await leaveClaims(claimed);
      soldSome(claimed, sold);
      await finish(claimed, { left: true, killed: true });
    },
    { timeoutMs: 400_000 },
  );
});
