import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Redis } from 'ioredis';
import { BY_SERVICE } from '../../../src/platform/identity/actor.js';
import { type Campaign } from '../../../src/domain/campaign.js';
import { RedisConnection } from '../../../src/infrastructure/redis/redis-connection.js';
import { RedisGateBuilder } from '../../../src/infrastructure/redis/redis-gate-builder.js';
import { RedisIssuanceGate } from '../../../src/infrastructure/redis/redis-issuance-gate.js';
import {
  type CampaignAdministration,
  type CampaignChangeOutcome,
} from '../../../src/modules/campaigns/campaign-administration.js';
import { Admission } from '../../../src/modules/gate-watch/admission.js';
import { type EpochWatch } from '../../../src/modules/gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../../../src/modules/gate-watch/quiet-campaigns.js';
import { StoredCampaignIds } from '../../../src/modules/gate-watch/stored-campaign-ids.js';
import { GateReconciler } from '../../../src/modules/recovery/gate-reconciler.js';
import { RecoveryMetrics } from '../../../src/modules/recovery/recovery.metrics.js';
import { MetricsRegistry } from '../../../src/platform/metrics/metrics-registry.js';
import { termsOf } from '../../../src/ports/gate/campaign-terms.js';
import { type CampaignGauge, type GatePass } from '../../../src/ports/gate/issuance-gate.js';
import { RedisServer } from '../../../stack/redis-server.js';
import { freePort } from '../../../stack/server-process.js';
import { request } from '../../contract/gate/gate-under-test.js';
import { administrationOf, creatorOf } from '../../support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../support/embedded.js';
import { eventually } from '../../support/eventually.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { termsAtGateOf, unexplainedClaimsOf, watchOf } from '../../support/recovery.js';
import { until } from '../../support/until.js';
import { withRedis } from '../../support/with-redis.js';

Logger.overrideLogger(false);

const EPOCH = 1_764_000_001;
const seen = () => true;

/** Makes a Redis that answers refuse every change. The returned function ends this. */
type Refusal = (server: RedisServer, redis: Redis) => Promise<() => Promise<unknown>>;

const REFUSALS: Record<string, Refusal> = {
  READONLY: async (_server, redis) => {
    await redis.replicaof('127.0.0.1', await freePort());
    return () => redis.replicaof('NO', 'ONE');
  },
  NOREPLICAS: async (_server, redis) => {
    await redis.config('SET', 'min-replicas-to-write', '1');
    return () => redis.config('SET', 'min-replicas-to-write', '0');
  },
  MISCONF: async ({ directory }, redis) => {
    // A directory that is not empty is in the place of the snapshot.
    mkdirSync(join(directory, 'dump.rdb'));
    writeFileSync(join(directory, 'dump.rdb', 'file'), '');
    await redis.config('SET', 'save', '3600 1');
    await redis.bgsave();
    await until('the save has failed', async () => /rdb_last_bgsave_status:err/.test(await redis.info('persistence')));
    return () => redis.config('SET', 'save', '');
  },
  BUSY: async ({ url }, redis) => {
    await redis.config('SET', 'busy-reply-threshold', '1');
    const endless = withRedis(url, (other) => other.eval('while true do end', 0)).catch(() => undefined);
    await until('it is busy', () =>
      redis.ping().then(
        () => false,
        ({ message }: Error) => message.startsWith('BUSY'),
      ),
    );
    return async () => {
      await redis.call('SCRIPT', 'KILL');
      await endless;
    };
  },
  LOADING: async ({ url }, redis) => {
    await redis.call('DEBUG', 'POPULATE', '200000');
    await redis.config('SET', 'key-load-delay', '200');
    const reloaded = withRedis(url, (other) => other.call('DEBUG', 'RELOAD'));
    await until('it loads', () =>
      redis.ping().then(
        () => false,
        ({ message }: Error) => message.startsWith('LOADING'),
      ),
    );
    return async () => {
      await redis.config('SET', 'key-load-delay', '0');
      await reloaded;
    };
  },
  NOPERM: async (_server, redis) => {
    await redis.acl('SETUSER', 'default', '-evalsha');
    return () => redis.acl('SETUSER', 'default', '+evalsha');
  },
  'no answer': (server) => {
    server.pause();
    return Promise.resolve(() => Promise.resolve(server.resume()));
  },
};

const outOfMemory: Refusal = async (_server, redis) => {
  const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', String(used - 200_000));
  await expect(redis.set('k', 'v')).rejects.toThrow(/^OOM/);
  return () => redis.config('SET', 'maxmemory', '0');
};

describe('what operators change while Redis refuses', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let gate: RedisIssuanceGate;
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let administration: CampaignAdministration;
  let reconciler: GateReconciler;
  let pass: GatePass;
  let users = 0;

  beforeEach(async () => {
    server = await RedisServer.start({
      args: ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'],
    });
    connection = new RedisConnection(server.url);
    await connection.onModuleInit();
    gate = new RedisIssuanceGate(connection);
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'c', total: 1_000_000 });
    const { database } = stack;
    pass = await openEpoch({ database, builder: new RedisGateBuilder(connection) }, EPOCH);
    watch = watchOf({ database, gate });
    await watch.refresh();
    const terms = termsAtGateOf({ database, gate }, watch);
    administration = administrationOf({ database, gate }, watch, terms);
    const metrics = new RecoveryMetrics(new MetricsRegistry(), watch);
    reconciler = new GateReconciler(
      database,
      gate,
      watch,
      metrics,
      terms,
      new StoredCampaignIds(),
      unexplainedClaimsOf({ database, gate }, watch),
      new QuietCampaigns(),
    );
  });
  afterEach(async () => {
    await watch.onApplicationShutdown();
    connection.onApplicationShutdown();
    await stack.close();
    await server.kill();
  });

  const claim = () => gate.claim(pass, request('c', `u${users++}`));
  const stored = () => stack.database.read((unit) => unit.campaigns.find('c'));
  const termsNow = async () => ((await gate.gauge(pass, ['c']))[0] as CampaignGauge).terms;
  const refuses = async <T>(refusal: Refusal, work: () => Promise<T>): Promise<T> =>
    withRedis(server.url, async (redis) => {
      const end = await refusal(server, redis);
      try {
        return await work();
      } finally {
        await end();
      }
    });
  /** The replica may have been promoted. Then there is a new epoch, which begins with the stored terms. */
  const isBack = () =>
    eventually(async () => {
      if ((await claim()).kind !== 'fenced') return;
      pass = await openEpoch({ database: stack.database, builder: new RedisGateBuilder(connection) }, EPOCH + 1);
      await watch.refresh();
    }, 30_000);

  const CHANGES: Record<string, () => Promise<CampaignChangeOutcome>> = {
    pause: () => administration.act('c', 'pause', BY_SERVICE),
    close: () => administration.act('c', 'close', BY_SERVICE),
    'a higher total': () => administration.change('c', { total: 2_000_000 }, seen, BY_SERVICE),
    'another window': () => administration.change('c', { startsAt: 5, endsAt: 9 }, seen, BY_SERVICE),
    'another name': () => administration.change('c', { name: 'x' }, seen, BY_SERVICE),
  };

  describe('a campaign that is created while Redis does not answer', () => {
    const create = async () => {
      const creator = creatorOf({ database: stack.database, gate }, watch);
      const made = await withRedis(server.url, async (redis) => {
        await redis.client('PAUSE', 1_500, 'ALL');
        return creator.create({ name: 'paused', total: 1, startsAt: 0, endsAt: null }, BY_SERVICE);
      });
      if (made.kind !== 'created') throw new Error(made.kind);
      return made.campaign;
    };
    const claimOf = (id: string, user: string) => eventually(() => gate.claim(pass, request(id, user)));

    it('is opened by the process that finds it missing, and closes the gate for no other campaign', async () => {
      const campaign = await create();
      expect(await claimOf(campaign.id, 'early')).toEqual({ kind: 'fenced', reason: 'meta-missing' });
      // Older than a campaign on its way to the gate ever was.
      const { connection: database } = stack;
      await database.exclusive((runner) => runner.query('UPDATE campaigns SET created_at = created_at - 60000'));
      await eventually(() => reconciler.reconcile());
      expect(watch.pass).toEqual(pass);
      expect(await claimOf(campaign.id, 'winner')).toMatchObject({ kind: 'admitted', sequence: 1 });
      expect((await claim()).kind).toBe('admitted');
    });

    it('is opened by no process when everything at the gate is lost together', async () => {
      const campaign = await create();
      await eventually(() => reconciler.reconcile());
      expect(await claimOf(campaign.id, 'winner')).toMatchObject({ kind: 'admitted' });
      await withRedis(server.url, (redis) => redis.flushall());
      expect(await gate.openMissing(pass, termsOf(campaign))).toEqual({ kind: 'fenced', reason: 'meta-missing' });
      await reconciler.reconcile();
      expect(watch.pass).toBeNull();
      expect(await claimOf(campaign.id, 'another')).toEqual({ kind: 'fenced', reason: 'meta-missing' });
    });
  });

  describe.each(Object.keys(REFUSALS))('with %s', (name) => {
    const refusal = REFUSALS[name] as Refusal;

    it.each(['pause', 'close'] as const)(
      'nothing is done, the last of it a %s; the gate hears of it afterwards',
      async (act) => {
        const lower = () => administration.change('c', { total: 500_000 }, seen, BY_SERVICE);
        const others = Object.keys(CHANGES).filter((what) => !['pause', 'close'].includes(what));
        await refuses(refusal, async () => {
          for (const [nth, what] of [...others, act].entries()) {
            const outcome = await CHANGES[what]?.();
            expect(outcome).toMatchObject({ kind: 'gate-not-told', stored: { version: nth + 2 } });
            // A lower total needs the gate's consent first, so it is not even stored.
            if (nth === 0) expect(await lower()).toMatchObject({ kind: 'gate-not-told', stored: null });
          }
          // Asking again during the fault does not succeed either.
          expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
            kind: 'gate-not-told',
            stored: { version: 5 },
          });
          expect(await stored()).toMatchObject({ total: 2_000_000, version: 5 });
        });
        await isBack();
        await eventually(async () => {
          await reconciler.reconcile();
          expect(await termsNow()).toEqual(termsOf((await stored()) as Campaign));
        });
        expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
          kind: 'done',
          campaign: { version: 5 },
        });
        expect((await claim()).kind).toBe(act === 'pause' ? 'campaign-paused' : 'campaign-closed');
      },
    );
  });

  it.each([...Object.keys(REFUSALS), 'OOM'])('the watch finds %s without any claim, and its end', async (name) => {
    const admission = new Admission(watch, stack.log);
    await watch.start();
    await until('claims are admitted', () => admission.obstacle === null);
    await refuses(REFUSALS[name] ?? outOfMemory, async () => {
      const obstacle = await until('an obstacle is found', () => admission.obstacle, PATIENCE_MS);
      expect(obstacle).toMatch(/^Redis (?:refuses, [a-z]|is away)|^the gate does not answer$|^the gate is closed/);
    });
    // A replica that was promoted needs a rebuild first.
    if (name !== 'READONLY') await until('claims are admitted again', () => admission.obstacle === null, PATIENCE_MS);
  });

  it.each(['pause', 'close'] as const)(
    'after a %s that is done no claim is admitted, whatever Redis refused and when',
    async (act) => {
      let ending = false;
      const knobs: [string, string, string][] = [
        ['maxmemory', '1', '0'],
        ['min-replicas-to-write', '1', '0'],
      ];
      const flap = withRedis(server.url, async (redis) => {
        for (let round = 0; !ending; round++) {
          const [name, on, off] = knobs[round % knobs.length] as [string, string, string];
          await redis.config('SET', name, on);
          await redis.ping();
          await redis.config('SET', name, off);
        }
      });
      const callers = Promise.all(
        Array.from({ length: 20 }, async () => {
          while (!ending) await claim().catch(() => undefined);
        }),
      );
      try {
        await until(
          'somebody is admitted',
          async () => ((await gate.gauge(pass, ['c']))[0] as CampaignGauge).claimed > 50,
        );
        await eventually(async () =>
          expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done' }),
        );
        const { claimed } = (await gate.gauge(pass, ['c']))[0] as CampaignGauge;
        const asked = users;
        await until('many more have asked', () => users > asked + 500);
        expect((await gate.gauge(pass, ['c']))[0]).toMatchObject({ claimed });
      } finally {
        ending = true;
        await Promise.all([callers, flap]);
      }
    },
  );

  describe('while Redis is out of memory', () => {
    it.each([
      ...Object.keys(CHANGES).map((what) => [what, CHANGES[what] as () => Promise<CampaignChangeOutcome>] as const),
      ['a lower total', () => administration.change('c', { total: 500_000 }, seen, BY_SERVICE)] as const,
    ])('%s is done all the same, and a claim is refused', async (_what, change) => {
      await refuses(outOfMemory, async () => {
        await expect(claim()).rejects.toThrow(/^Redis refuses.*OOM/);
        expect(await change()).toMatchObject({ kind: 'done', campaign: { version: 2 } });
        expect(await termsNow()).toEqual(termsOf((await stored()) as Campaign));
      });
    });

    it('a paused campaign is resumed, and a new one is made and opened', async () => {
      await administration.act('c', 'pause', BY_SERVICE);
      await refuses(outOfMemory, async () => {
        expect(await administration.act('c', 'resume', BY_SERVICE)).toMatchObject({ kind: 'done' });
        const made = await creatorOf({ database: stack.database, gate }, watch).create(
          { name: 'n', total: 5, startsAt: 0, endsAt: null },
          BY_SERVICE,
        );
        if (made.kind !== 'created') throw new Error(made.kind);
        expect((await gate.gauge(pass, [made.campaign.id]))[0]).toMatchObject({ claimed: 0, terms: { total: 5 } });
      });
      expect((await claim()).kind).toBe('admitted');
    });
  });
});
