import { Redis } from 'ioredis';
import { RedisConnection } from '../../src/infrastructure/redis/redis-connection.js';
import { RedisGateBuilder } from '../../src/infrastructure/redis/redis-gate-builder.js';
import { RedisIssuanceGate } from '../../src/infrastructure/redis/redis-issuance-gate.js';
import { RedisProcessBoard } from '../../src/infrastructure/redis/redis-process-board.js';
import { boardKey, storedKeys } from '../../src/infrastructure/redis/redis.keys.js';
import { RedisServer } from '../../stack/redis-server.js';
import { INSTALLATION } from '../support/claims.js';
import { describeGateBuilderContract } from './gate/gate-builder.contract.js';
import { type IssuanceGateHarness } from './gate/gate-under-test.js';
import { describeProcessBoardContract, describeSharedBoardContract } from './live/process-board.contract.js';
import { describeIssuanceGateContract } from './gate/issuance-gate.contract.js';

/** Uses its own server, because the suite empties it. */
async function openGate(): Promise<IssuanceGateHarness> {
  const server = await RedisServer.start();
  const connection = new RedisConnection(server.url);
  await connection.onModuleInit();
  const redis = new Redis(server.url);
  let epoch = 1_764_000_000;
  return {
    gate: new RedisIssuanceGate(connection),
    builder: new RedisGateBuilder(connection),
    nextEpoch: () => ++epoch,
    wipe: async () => {
      await redis.flushall();
      await redis.script('FLUSH');
    },
    deleteStructure: async (epoch, campaignId, structure) => {
      const { meta, appliedUser, pending } = storedKeys(INSTALLATION, campaignId, epoch);
      await redis.del({ meta, applied_user: appliedUser, pending }[structure]);
    },
    forgetRecord: async (epoch, campaignId, userId) => {
      await redis.hdel(storedKeys(INSTALLATION, campaignId, epoch).appliedUser, userId);
    },
    forgetPending: async (epoch, campaignId, userId) => {
      await redis.zrem(storedKeys(INSTALLATION, campaignId, epoch).pending, userId);
    },
    close: async () => {
      redis.disconnect();
      connection.onApplicationShutdown();
      await server.kill();
    },
  };
}

/** A server for each test, which leaves nothing to the next one. */
async function openBoard() {
  const server = await RedisServer.start();
  const connection = new RedisConnection(server.url);
  await connection.onModuleInit();
  const redis = new Redis(server.url);
  return {
    board: new RedisProcessBoard(connection),
    expire: async (id: string) => void (await redis.zadd(boardKey('one'), 1, id)),
    keys: () => redis.keys('*'),
    close: async () => {
      redis.disconnect();
      connection.onApplicationShutdown();
      await server.kill();
    },
  };
}

describeProcessBoardContract('RedisProcessBoard', openBoard);
describeSharedBoardContract('RedisProcessBoard', openBoard);
describeIssuanceGateContract('RedisIssuanceGate', openGate);
describeGateBuilderContract('RedisGateBuilder', openGate);
