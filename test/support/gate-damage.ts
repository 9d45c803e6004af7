import { type Redis } from 'ioredis';
import { InProcessGateMemory } from '../../src/infrastructure/in-process-gate/in-process-gate-memory.js';
import { type Service } from './service.js';
import { withRedis } from './with-redis.js';

/** Damages a gate's memory without the service knowing, as a crash, an eviction or an operator's mistake would. */
export interface GateDamage {
  wipe(epoch: number): Promise<void>;
  forgetOneUser(epoch: number, campaignId: string): Promise<void>;
  forgetEveryUser(epoch: number, campaignId: string): Promise<void>;
  inventPending(epoch: number, campaignId: string): Promise<void>;
  forgetTerms(epoch: number, campaignId: string): Promise<void>;
}

export function gateDamageOf({ app, backend }: Service): GateDamage {
  return backend.redis === undefined ? damageInProcess(app.get(InProcessGateMemory)) : damageInRedis(backend.redis.url);
}

function damageInProcess(memory: InProcessGateMemory): GateDamage {
  return {
    wipe: async (epoch) => memory.drop(epoch),
    forgetOneUser: async (epoch, campaignId) => {
      const { applied } = memory.campaign(epoch, campaignId);
      const [first] = applied.keys();
      if (first === undefined) throw new Error('there is nothing to forget');
      applied.delete(first);
    },
    forgetEveryUser: async (epoch, campaignId) => memory.campaign(epoch, campaignId).applied.clear(),
    inventPending: async (epoch, campaignId) => void memory.campaign(epoch, campaignId).pending.set('nobody', 0),
    forgetTerms: async (epoch, campaignId) => void (memory.campaign(epoch, campaignId).terms = null),
  };
}

/** Key names are documented for operators, so they are written out here. */
function damageInRedis(url: string): GateDamage {
  const damage = async (work: (redis: Redis) => Promise<unknown>) => void (await withRedis(url, work));
  const key = async (redis: Redis, epoch: number, campaignId: string, structure: string): Promise<string> => {
    const [name] = await redis.keys(`coupon:{*:${campaignId}}:${epoch}:${structure}`);
    return name ?? 'nothing';
  };
  return {
    wipe: () => damage((redis) => redis.flushall()),
    forgetOneUser: (epoch, campaignId) =>
      damage(async (redis) => {
        const applied = await key(redis, epoch, campaignId, 'applied_user');
        const user = (await redis.hrandfield(applied)) as string | null;
        if (user === null) throw new Error('there is nothing to forget');
        await redis.hdel(applied, user);
      }),
    forgetEveryUser: (epoch, campaignId) =>
      damage(async (redis) => redis.del(await key(redis, epoch, campaignId, 'applied_user'))),
    inventPending: (epoch, campaignId) =>
      damage(async (redis) => {
        // A campaign without pending claims has no such key yet.
        const meta = await key(redis, epoch, campaignId, 'meta');
        await redis.zadd(meta.replace(/meta$/, 'pending'), 0, 'nobody');
      }),
    forgetTerms: (epoch, campaignId) => damage(async (redis) => redis.del(await key(redis, epoch, campaignId, 'meta'))),
  };
}
