import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Redis } from 'ioredis';
import { ulid } from 'ulid';
import { gateScript, SCRIPT_VERSION } from '../../../src/infrastructure/redis/gate-script.js';
import { RedisConnection } from '../../../src/infrastructure/redis/redis-connection.js';
import { RedisGateBuilder } from '../../../src/infrastructure/redis/redis-gate-builder.js';
import { RedisIssuanceGate } from '../../../src/infrastructure/redis/redis-issuance-gate.js';
import { type CampaignKeys, campaignKeys, storedKeys } from '../../../src/infrastructure/redis/redis.keys.js';
import { StartupError } from '../../../src/platform/config/startup-error.js';
import {
  type ClaimOutcome,
  GateBusyError,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
} from '../../../src/ports/gate/issuance-gate.js';
import { RedisServer } from '../../../stack/redis-server.js';
import { freePort } from '../../../stack/server-process.js';
import { answered, request, terms } from '../../contract/gate/gate-under-test.js';
import { INSTALLATION } from '../../support/claims.js';
import { inParallel } from '../../support/client.js';
import { eventually } from '../../support/eventually.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { withRedis } from '../../support/with-redis.js';

const EPOCH = 1_764_000_001;

/** The rights of the Redis user in docs/operations.md. */
const GATE_USER = (() => {
  const [, rules = ''] = /ACL SETUSER coupon on '>\S+' (.*)$/m.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  const words = rules.replaceAll("'", '').split(' ');
  return { keys: words.filter((word) => /^[~%]/.test(word)), commands: words.filter((word) => word.startsWith('+')) };
})();

describe('a Redis that fails', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let gate: RedisIssuanceGate;
  let builder: RedisGateBuilder;
  let pass: GatePass;
  let campaignId: string;
  const open: RedisConnection[] = [];

  const connect = async (url = server.url) => {
    const made = new RedisConnection(url);
    open.push(made);
    await made.onModuleInit();
    return made;
  };
  const builderOn = (server: RedisConnection) => {
    const made = new RedisGateBuilder(server);
    made.useInstallation(INSTALLATION);
    return made;
  };
  const administer = <T>(work: (redis: Redis) => Promise<T>, url = server.url): Promise<T> => withRedis(url, work);
  const claim = (userId: string) => gate.claim(pass, request(campaignId, userId));
  const outcomeOf = (work: Promise<unknown>) =>
    work.then(
      (value) => (value as { kind: string }).kind,
      (error: unknown) => (error as Error).name,
    );

  beforeEach(async () => {
    server = await RedisServer.start();
    connection = await connect();
    gate = new RedisIssuanceGate(connection);
    builder = builderOn(connection);
    await builder.dropEpochsBelow(EPOCH);
    pass = { epoch: EPOCH, fence: await builder.installFence(EPOCH), installation: INSTALLATION };
    campaignId = ulid();
    await gate.openCampaign(pass, terms(campaignId, { total: 10 }));
    expect(await outcomeOf(claim('first'))).toBe('admitted');
  });
  afterEach(async () => {
    for (const made of open.splice(0)) made.onApplicationShutdown();
    await server.kill();
  });

  it('decides nothing for a call that names a campaign twice: the second time would be decided on old numbers', async () => {
    const { meta, appliedUser, pending } = campaignKeys(campaignId, EPOCH);
    const keys = [meta, appliedUser, pending];
    const claims = [1, 'a', ulid(), '', 1, 'b', ulid(), ''];
    await administer(async (redis) => {
      const call = redis.evalsha(pass.fence, 6, ...keys, ...keys, 'claim-batch', ...claims);
      await expect(call).rejects.toThrow('named twice');
      const once = redis.evalsha(pass.fence, 6, ...keys, ...keys.map((key) => `${key}0`), 'claim-batch', ...claims);
      expect(await once).toEqual([[expect.arrayContaining(['OK'])], ['FENCED', 'meta-missing']]);
      const past = keys.map((key) => key.replace(String(EPOCH), String(EPOCH - 1)));
      const mixed = redis.evalsha(pass.fence, 6, ...keys, ...past, 'claim-batch', ...claims);
      expect(await mixed).toEqual(['FENCED', 'fence-missing']);
    });
    expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 2, sequence: 2, pending: 2 }]);
  });

  it('tells which text of the script its epoch has, as one string, which the build before takes for OK', async () => {
    expect(await gate.ping(pass)).toEqual({ kind: 'ok', script: { version: SCRIPT_VERSION, current: true } });
    await administer(async (redis) => {
      expect(await redis.evalsha(pass.fence, 0, 'ping')).toBe(`OK ${SCRIPT_VERSION}`);
      // As the build before has loaded it.
      const before = gateScript(EPOCH, INSTALLATION, '').replace("'OK ' .. VERSION", "'OK'");
      const fence = (await redis.script('LOAD', before)) as string;
      const script = { version: null, current: false };
      expect(await gate.ping({ ...pass, fence })).toEqual({ kind: 'ok', script });
    });
  });

  it('is fenced after a restart, although its AOF restored every key, and reports the new connection', async () => {
    let reconnected = 0;
    gate.onReconnected(() => (reconnected += 1));
    // During an earlier sync, Redis may answer before it has written. Once written, the data outlives the process.
    await eventually(async () => {
      expect(await administer((redis) => redis.info('persistence'))).toMatch(/^aof_buffer_length:0\r?$/m);
    });
    await server.kill();
    await eventually(async () => expect(await outcomeOf(claim('while away'))).toBe('GateUnavailableError'));
    await server.start();
    await until('it is connected again', () => reconnected > 0);
    expect(await administer((redis) => redis.hlen(storedKeys(INSTALLATION, campaignId, EPOCH).appliedUser))).toBe(1);
    const missing = { kind: 'fenced', reason: 'fence-missing' };
    expect(await gate.ping(pass)).toEqual(missing);
    expect(await answered(() => claim('second'))).toEqual(missing);
    // Only the builder loads the script again. No other call does.
    expect(await answered(() => gate.ping(pass))).toEqual(missing);
  });

  it('is fenced without its scripts, and open again when the fence is installed again', async () => {
    await administer((redis) => redis.script('FLUSH'));
    for (const call of [
      (): Promise<unknown> => claim('a'),
      () => gate.lookUp(pass, campaignId, 'first'),
      () => gate.changeTerms(pass, terms(campaignId)),
    ]) {
      expect(await answered(call)).toEqual({ kind: 'fenced', reason: 'fence-missing' });
    }
    expect(await builder.installFence(EPOCH)).toBe(pass.fence);
    expect(await answered(() => claim('a'))).toMatchObject({ kind: 'admitted' });
  });

  it.each(['meta', 'appliedUser', 'pending'] as const)(
    'is fenced when %s is something else than it was',
    async (which) => {
      const key = storedKeys(INSTALLATION, campaignId, EPOCH)[which];
      await administer(async (redis) => {
        await redis.del(key);
        await redis.set(key, 'a text');
      });
      for (const outcome of [
        claim('a'),
        gate.lookUp(pass, campaignId, 'first'),
        gate.openCampaign(pass, terms(campaignId)),
      ]) {
        expect(await outcome).toMatchObject({ kind: 'fenced' });
      }
      expect(await administer((redis) => redis.get(key))).toBe('a text');
    },
  );

  it('is fenced if a user is pending without a claim, although the counters agree', async () => {
    const { appliedUser } = storedKeys(INSTALLATION, campaignId, EPOCH);
    await administer(async (redis) => {
      const record = await redis.hget(appliedUser, 'first');
      await redis.hdel(appliedUser, 'first');
      await redis.hset(appliedUser, 'another', record ?? '');
    });
    const page = await gate.pendingBefore(pass, campaignId, Number.MAX_SAFE_INTEGER, 10, 0);
    expect(page).toEqual({ kind: 'fenced', reason: 'pending-mismatch' });
  });

  it('refuses claims when its memory is full, writes no part of them, and still shows existing claims', async () => {
    const { meta, appliedUser, pending } = storedKeys(INSTALLATION, campaignId, EPOCH);
    await administer((redis) => redis.config('SET', 'maxmemory', '1'));
    const error = await claim('second').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GateUnavailableError);
    await expect(gate.checkWritable()).rejects.toThrow(/^Redis refuses, it is out of memory/);
    expect(await gate.ping(pass)).toMatchObject({ kind: 'ok' });
    expect(await outcomeOf(claim('first'))).toBe('duplicate');
    expect(await gate.lookUp(pass, campaignId, 'second')).toEqual({ kind: 'absent' });
    await administer((redis) => redis.config('SET', 'maxmemory', '0'));
    const counters = await administer((redis) =>
      Promise.all([redis.hmget(meta, 'count', 'pending', 'sequence'), redis.hlen(appliedUser), redis.zcard(pending)]),
    );
    expect(counters).toEqual([['1', '1', '1'], 1, 1]);
    expect(await claim('second')).toMatchObject({ kind: 'admitted', sequence: 2 });
    await gate.checkWritable();
    expect(await administer((redis) => redis.keys('*probe*'))).toEqual([]);
  });

  it('gets no more than 800 ms for an answer when it is frozen, and answers again when it wakes up', async () => {
    server.pause();
    const started = performance.now();
    const errors = await Promise.all(
      // More claims than fit into the batches that may be under way.
      Array.from({ length: 200 }, (_, n) => claim(`u${n}`).catch((error: unknown) => error)),
    );
    expect(performance.now() - started).toBeLessThan(2_000);
    // Three batches of 32 were under way. The other claims were never sent.
    for (const error of errors.slice(0, 96)) expect(error).toBeInstanceOf(GateTimeoutError);
    for (const error of errors.slice(96)) expect([GateBusyError, GateUnavailableError]).toContain(error?.constructor);
    server.resume();
    await eventually(async () => expect(await outcomeOf(claim('first'))).toBe('duplicate'));
  });

  it('may be away when the process starts, and is used when it comes', async () => {
    const port = await freePort();
    const late = await connect(`redis://127.0.0.1:${port}`);
    const lateGate = new RedisIssuanceGate(late);
    let connected = 0;
    lateGate.onReconnected(() => (connected += 1));
    await expect(lateGate.now()).rejects.toBeInstanceOf(GateUnavailableError);
    const other = await RedisServer.start({ port });
    try {
      await until('it is connected', () => connected > 0, 10_000);
      expect(await lateGate.now()).toBeGreaterThan(1_764_000_000_000);
    } finally {
      await other.kill();
    }
  });

  it.each([
    ['may evict', ['--maxmemory-policy', 'allkeys-lru'], /noeviction, it is allkeys-lru/],
    ['is part of a cluster', ['--cluster-enabled', 'yes'], /redis_mode:cluster/],
    ['follows another one', ['--replicaof', '127.0.0.1 1'], /has to be a master, this one is a slave/],
  ])('is refused at the start when it %s', async (_what, args, message) => {
    const unusable = await RedisServer.start({ args });
    try {
      const error = await connect(unusable.url).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StartupError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).toMatch(/^REDIS_URL: .*$/);
    } finally {
      await unusable.kill();
    }
  });

  it.each([
    ['INFO', ['-info'], /NOPERM.*info/],
    ['EVAL', ['-eval'], /NOPERM.*eval/],
    [
      'EVALSHA, UNLINK and the loading of scripts',
      ['-evalsha', '-unlink', '-script|load'],
      /use unlink, evalsha, script on/,
    ],
    ['what only scripts use', ['-zadd', '-hsetnx'], /use hsetnx, zadd on/],
    ['keys of the gate', ['resetkeys', '~other:*'], /NOPERM.*key/],
    ['keys of the gate for writing', ['resetkeys', '%R~coupon:*'], /NOPERM.*key/],
  ])('is refused at the start when its user lacks %s', async (_what, rules, message) => {
    await administer((redis) => redis.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '+@all', ...rules));
    const error = await connect(`redis://limited:secret@127.0.0.1:${server.port}`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('secret');
  });

  it('is refused at the start when it does not open the database of its address, which is never another one', async () => {
    const error = await connect(`${server.url}/16`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as Error).message).toMatch(/^REDIS_URL: it does not open database 16: .*out of range$/);
    const third = await connect(`${server.url}/3`);
    expect(await third.calls.call('CLIENT', 'INFO')).toContain(' db=3 ');
  });

  it('is used by a user with only the rights that the gate needs', async () => {
    const { keys, commands } = GATE_USER;
    await administer((redis) => redis.call('ACL', 'SETUSER', 'gate', 'on', '>secret', ...keys, '-@all', ...commands));
    connection = await connect(`redis://gate:secret@127.0.0.1:${server.port}`);
    gate = new RedisIssuanceGate(connection);
    builder = builderOn(connection);
    await builder.dropEpochsBelow(EPOCH + 1);
    await builder.stage(EPOCH + 1, campaignId, [
      { userId: 'first', claimId: ulid(), sequence: 1, claimedAt: 1, idempotencyDigest: null, pending: true },
    ]);
    pass = { epoch: EPOCH + 1, fence: await builder.installFence(EPOCH + 1), installation: INSTALLATION };
    await builder.openStaged(EPOCH + 1, [{ ...terms(campaignId, { total: 10 }), sequence: 1 }]);
    expect(await outcomeOf(claim('second'))).toBe('admitted');
    expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 2, pending: 2 }]);
  });

  it('is used without an append-only file, and warned about once, however often it is connected', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    server.configure(['--appendonly', 'no']);
    await server.kill();
    await server.start();
    try {
      const made = await connect();
      let connections = 0;
      made.onConnected(() => (connections += 1));
      for (let times = 1; times <= 2; times++) {
        made.dropCalls();
        await until('it is connected again', () => connections === times, 10_000);
      }
      const warnings = warn.mock.calls.filter(([text]) => String(text).includes('append-only'));
      // The connection of beforeEach, and this one.
      expect(warnings).toHaveLength(2);
    } finally {
      warn.mockRestore();
    }
  });

  it('is not used while it is part of a cluster, with one log line, and is used once it is none', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const port = await freePort();
    const late = await connect(`redis://127.0.0.1:${port}`);
    const clustered = await RedisServer.start({ port, args: ['--cluster-enabled', 'yes'] });
    try {
      const said = () => error.mock.calls.filter(([text]) => String(text).includes('redis_mode:cluster'));
      await until('it is refused', () => said().length > 0, 10_000);
      expect(() => late.calls).toThrow(GateUnavailableError);
      const log = jest.spyOn(late as unknown as { checkServer(): unknown }, 'checkServer');
      await until('it was looked at again', () => log.mock.calls.length > 2, 10_000);
      expect(said()).toEqual([[expect.stringMatching(/^REDIS_URL: /)]]);
    } finally {
      await clustered.kill();
      error.mockRestore();
    }
    const single = await RedisServer.start({ port });
    try {
      await until(
        'it is used',
        () => {
          try {
            return late.calls !== undefined;
          } catch {
            return false;
          }
        },
        10_000,
      );
    } finally {
      await single.kill();
    }
  });

  it('is not used once it has become a replica, and used again as a master', async () => {
    const master = await RedisServer.start();
    try {
      await administer((redis) => redis.replicaof('127.0.0.1', master.port));
      await eventually(async () => expect(await outcomeOf(claim('second'))).toBe('GateUnavailableError'));
      await expect(builder.dropEpochsBelow(EPOCH + 1)).rejects.toBeInstanceOf(GateUnavailableError);
    } finally {
      await master.kill();
    }
    await administer((redis) => redis.replicaof('NO', 'ONE'));
    await eventually(async () => expect(await gate.now()).toBeGreaterThan(0), 20_000);
  });

  describe('behind an address that leads elsewhere, while old connections stay', () => {
    let address: TcpProxy;

    beforeEach(async () => {
      address = await TcpProxy.to(server.port);
      connection = await connect(`redis://127.0.0.1:${address.port}`);
      gate = new RedisIssuanceGate(connection);
      builder = builderOn(connection);
      expect(await gate.ping(pass)).toMatchObject({ kind: 'ok' });
      await builder.dropEpochsBelow(EPOCH);
    });
    afterEach(() => address.close());

    const rebuilt = async () => {
      await builder.dropEpochsBelow(EPOCH + 1);
      pass = { epoch: EPOCH + 1, fence: await builder.installFence(EPOCH + 1), installation: INSTALLATION };
      await gate.openCampaign(pass, terms(campaignId, { total: 10 }));
      expect(await outcomeOf(claim('second'))).toBe('admitted');
    };

    it('follows the address when the server behind it was made a replica', async () => {
      const other = await RedisServer.start();
      try {
        await administer((redis) => redis.config('SET', 'repl-diskless-sync-delay', '0'), other.url);
        await administer(async (redis) => {
          await redis.replicaof('127.0.0.1', other.port);
          await until('it follows', async () => (await redis.info('replication')).includes('master_link_status:up'));
        });
        address.leadNew(other.port);
        await eventually(async () => {
          await gate.ping(pass);
          await rebuilt();
        }, 20_000);
        await administer(async (redis) => {
          expect(await redis.exists(storedKeys(INSTALLATION, campaignId, EPOCH + 1).meta)).toBe(1);
        }, other.url);
      } finally {
        await other.kill();
      }
    });

    it('follows the address when the old server silently stops answering', async () => {
      const other = await RedisServer.start();
      try {
        address.leadNew(other.port, { silenceOld: true });
        await eventually(async () => {
          await gate.ping(pass);
          await rebuilt();
        }, 20_000);
      } finally {
        await other.kill();
      }
    });

    describe('and the old server stays a master', () => {
      let other: RedisServer;

      beforeEach(async () => {
        other = await RedisServer.start();
        address.leadNew(other.port);
      });
      afterEach(() => other.kill());

      it('a rebuild follows the address, to the server that the new connection for calls has reached', async () => {
        connection.dropCalls();
        await answered(() => gate.now());
        await rebuilt();
        await administer(async (redis) => {
          expect(await redis.exists(storedKeys(INSTALLATION, campaignId, EPOCH + 1).meta)).toBe(1);
        }, other.url);
      });

      it('a rebuild that begins while the calls lead to the old one opens nothing there, and the next one is done', async () => {
        await expect(builder.dropEpochsBelow(EPOCH + 1)).rejects.toThrow('two Redis servers');
        expect(
          await administer((redis) => redis.exists(storedKeys(INSTALLATION, campaignId, EPOCH).meta), server.url),
        ).toBe(1);
        await rebuilt();
      });

      it('a rebuild that is under way ends when the calls lead to the new one, and the next one is done', async () => {
        address.leadNew(server.port);
        await builder.dropEpochsBelow(EPOCH + 1);
        address.leadNew(other.port);
        connection.dropCalls();
        await answered(() => gate.now());
        await expect(builder.installFence(EPOCH + 1)).rejects.toThrow('two Redis servers');
        await rebuilt();
      });

      it('the calls follow the address when they miss the fence that another process has installed there', async () => {
        const another = builderOn(await connect(other.url));
        await another.dropEpochsBelow(EPOCH + 1);
        const built = { epoch: EPOCH + 1, fence: await another.installFence(EPOCH + 1), installation: INSTALLATION };
        expect(await gate.ping(built)).toEqual({ kind: 'fenced', reason: 'fence-missing' });
        expect(await answered(() => gate.ping(built))).toMatchObject({ kind: 'ok' });
      });

      it('the calls follow the address when the old one was promoted again', async () => {
        await administer(async (redis) => {
          await redis.replicaof('127.0.0.1', other.port);
          await redis.replicaof('NO', 'ONE');
        }, server.url);
        expect(await gate.ping(pass)).toEqual({ kind: 'fenced', reason: 'promoted' });
        expect(await answered(() => gate.ping(pass))).toEqual({ kind: 'fenced', reason: 'fence-missing' });
      });
    });
  });

  it('does not open an epoch on another server than the one on which the older ones were dropped', async () => {
    await builder.dropEpochsBelow(EPOCH + 1);
    await server.restart();
    await until('it is connected again', () =>
      gate.now().then(
        () => true,
        () => false,
      ),
    );
    await expect(builder.installFence(EPOCH + 1)).rejects.toBeInstanceOf(GateUnavailableError);
    await builder.dropEpochsBelow(EPOCH + 2);
    await builder.installFence(EPOCH + 2);
  });

  describe('when its server followed another one for a moment in the middle of a rebuild, and kept its run id', () => {
    const epoch = EPOCH + 1;
    const promote = () =>
      administer(async (redis) => {
        await redis.replicaof('127.0.0.1', await freePort());
        await redis.replicaof('NO', 'ONE');
      });
    /** Does this once, right before this command of the rebuild. */
    const promoteBefore = (command: 'scan' | 'eval') => {
      const { bulk } = connection;
      const send = bulk[command].bind(bulk) as (...args: unknown[]) => Promise<unknown>;
      const promoting = async (...args: unknown[]) => {
        Object.assign(bulk, { [command]: send });
        await promote();
        return send(...args);
      };
      Object.assign(bulk, { [command]: promoting });
    };
    const staged = () => [{ ...terms(campaignId), sequence: 0 }];
    const replaced = 'restarted or replaced';

    it('does not say that the older epochs are dropped', async () => {
      promoteBefore('scan');
      await expect(builder.dropEpochsBelow(epoch)).rejects.toThrow(replaced);
    });

    it('installs no fence', async () => {
      await builder.dropEpochsBelow(epoch);
      await promote();
      await expect(builder.installFence(epoch)).rejects.toThrow(replaced);
    });

    it('opens nothing', async () => {
      await builder.dropEpochsBelow(epoch);
      await builder.installFence(epoch);
      await promote();
      await expect(builder.openStaged(epoch, staged())).rejects.toThrow(replaced);
      expect(await administer((redis) => redis.exists(storedKeys(INSTALLATION, campaignId, epoch).meta))).toBe(0);
    });

    it('does not say that what it has opened is open', async () => {
      await builder.dropEpochsBelow(epoch);
      await builder.installFence(epoch);
      promoteBefore('eval');
      await expect(builder.openStaged(epoch, staged())).rejects.toThrow(replaced);
    });
  });

  it.each([
    ['everything', (_keys, redis) => redis.flushall()],
    ['one record', ({ appliedUser }, redis) => redis.hdel(appliedUser, 'a')],
    ['what is pending', ({ pending }, redis) => redis.del(pending)],
  ] as [string, (keys: CampaignKeys, redis: Redis) => Promise<unknown>][])(
    'does not open a campaign when it has lost %s of what was staged',
    async (_what, lose) => {
      const epoch = EPOCH + 1;
      await builder.dropEpochsBelow(epoch);
      const claims = ['a', 'b'].map((userId, index) => ({
        userId,
        claimId: ulid(),
        sequence: index + 1,
        claimedAt: 1,
        idempotencyDigest: null,
        pending: true,
      }));
      await builder.stage(epoch, campaignId, claims);
      await builder.installFence(epoch);
      await administer((redis) => lose(storedKeys(INSTALLATION, campaignId, epoch), redis));
      const staged = { ...terms(campaignId, { total: 10 }), sequence: 2 };
      await expect(builder.openStaged(epoch, [staged])).rejects.toBeInstanceOf(GateUnavailableError);
      const opened = { epoch, fence: await builder.installFence(epoch), installation: INSTALLATION };
      expect(await gate.claim(opened, request(campaignId, 'c'))).toMatchObject({ kind: 'fenced' });
    },
  );

  it('admits exactly the total of 10,000 claims, 2,000 at a time, in sequences without a gap', async () => {
    const big = ulid();
    await gate.openCampaign(pass, terms(big, { total: 5_000 }));
    const users = Array.from({ length: 10_000 }, (_, n) => `u${n}`);
    // On a machine that stalls, a claim may wait too long for its turn. Then it was not sent, and the test sends it
    // again.
    const decided = async (user: string): Promise<ClaimOutcome> => {
      for (;;) {
        const outcome = await gate.claim(pass, request(big, user)).catch((error: unknown) => error as Error);
        if (!(outcome instanceof GateBusyError)) {
          if (outcome instanceof Error) throw outcome;
          return outcome;
        }
      }
    };
    const outcomes = await inParallel(users, 2_000, decided);
    const sequences = outcomes.flatMap((outcome) => (outcome.kind === 'admitted' ? [outcome.sequence] : []));
    expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
    expect(outcomes.filter(({ kind }) => kind === 'sold-out')).toHaveLength(5_000);
  });

  describe('behind a line that loses the answers', () => {
    let line: TcpProxy;

    beforeEach(async () => {
      line = await TcpProxy.to(server.port);
    });
    afterEach(() => line.close());

    it('no user gets a second slot: a claim without an answer is a duplicate when it is sent again', async () => {
      const distant = new RedisIssuanceGate(await connect(`redis://127.0.0.1:${line.port}`));
      line.set('drop-replies');
      const first = request(campaignId, 'unlucky');
      await expect(distant.claim(pass, first)).rejects.toBeInstanceOf(GateTimeoutError);
      line.set('pass');
      const again = await eventually(() => distant.claim(pass, request(campaignId, 'unlucky')));
      expect(again).toMatchObject({ kind: 'duplicate', record: { claimId: first.claimId, sequence: 2 } });
    });

    it('no caller gets the answer of another call', async () => {
      const distant = new RedisIssuanceGate(await connect(`redis://127.0.0.1:${line.port}`));
      const lostAndNext = async (user: string) => {
        const { droppedReplies } = line;
        line.set('drop-replies');
        const lost = distant.claim(pass, request(campaignId, user)).catch((error: unknown) => error);
        await until('its answer is lost', () => line.droppedReplies > droppedReplies);
        line.set('pass');
        // Without the protection, its answer would be taken for that of the call before.
        const next = distant.lookUp(pass, campaignId, 'somebody else').catch((error: unknown) => error);
        return Promise.all([lost, next]);
      };
      // If the test itself stalls for the first call's 800 ms, the connection is dropped before the second call.
      const met = await eventually(async () => {
        const user = ulid();
        await answered(() => distant.now());
        const [lost, next] = await lostAndNext(user);
        expect(lost).toBeInstanceOf(GateTimeoutError);
        if (next instanceof GateUnavailableError) throw next;
        return { user, next };
      });
      expect(met.next).toBeInstanceOf(GateTimeoutError);
      const again = await answered(() => distant.claim(pass, request(campaignId, met.user)));
      expect(again).toMatchObject({ kind: 'duplicate', pending: true });
    });

    it('a claim that waits behind batches without an answer is refused without having been sent', async () => {
      const distant = new RedisIssuanceGate(await connect(`redis://127.0.0.1:${line.port}`));
      line.set('drop-replies');
      // As many claims as may be under way: three batches of 32.
      const first = Array.from({ length: 96 }, (_, n) =>
        distant.claim(pass, request(campaignId, `first-${n}`)).catch((error: unknown) => error),
      );
      await until('they were executed', () =>
        administer((redis) => redis.hexists(storedKeys(INSTALLATION, campaignId, EPOCH).appliedUser, 'first-0')),
      );
      const second = distant.claim(pass, request(campaignId, 'second')).catch((error: unknown) => error);
      for (const error of await Promise.all(first)) expect(error).toBeInstanceOf(GateTimeoutError);
      expect(await second).toBeInstanceOf(GateUnavailableError);
      line.set('pass');
      expect(await eventually(() => distant.lookUp(pass, campaignId, 'second'))).toEqual({ kind: 'absent' });
    });
  });
});

describe('two installations on one Redis', () => {
  const OTHER = 'othersinstallat4';
  let server: RedisServer;
  const open: RedisConnection[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.onApplicationShutdown();
    await server.kill();
  });

  const builderOf = async (installation: string) => {
    const connection = new RedisConnection(server.url);
    open.push(connection);
    await connection.onModuleInit();
    const builder = new RedisGateBuilder(connection);
    builder.useInstallation(installation);
    return { builder, gate: new RedisIssuanceGate(connection) };
  };
  /** Builds an epoch with the campaign `default` of this total. */
  const build = async (
    { builder }: { builder: RedisGateBuilder },
    installation: string,
    epoch: number,
    total: number,
  ) => {
    await builder.dropEpochsBelow(epoch);
    const pass = { epoch, fence: await builder.installFence(epoch), installation };
    await builder.openStaged(epoch, [{ ...terms('default', { total }), sequence: 0 }]);
    return pass;
  };
  const keys = () => withRedis(server.url, (redis) => redis.keys('*'));

  it('never touch each other, in one epoch of the same second or in different ones', async () => {
    const [ours, theirs] = [await builderOf(INSTALLATION), await builderOf(OTHER)];
    const pass = await build(ours, INSTALLATION, EPOCH, 1);
    const foreign = await build(theirs, OTHER, EPOCH, 5);
    expect(foreign.fence).not.toBe(pass.fence);
    expect(await ours.gate.claim(pass, request('default', 'alice'))).toMatchObject({ kind: 'admitted', sequence: 1 });
    expect(await ours.gate.claim(pass, request('default', 'bob'))).toEqual({ kind: 'sold-out', final: false });
    expect(await theirs.gate.claim(foreign, request('default', 'alice'))).toMatchObject({ kind: 'admitted' });
    const terms = { campaignId: 'default', total: 3, startsAt: 0, endsAt: null, state: 'OPEN', version: 2 } as const;
    await theirs.gate.changeTerms(foreign, terms);
    // Later epochs of one of them, and one that is abandoned.
    const later = await build(theirs, OTHER, EPOCH + 9, 5);
    await theirs.builder.abandon(EPOCH);
    expect(await ours.gate.gauge(pass, ['default'])).toMatchObject([{ claimed: 1, terms: { total: 1 } }]);
    expect(await theirs.gate.gauge(later, ['default'])).toMatchObject([{ claimed: 0, terms: { total: 5 } }]);
    expect((await keys()).sort()).toEqual([
      `coupon:{${OTHER}:_}:${EPOCH + 9}:campaigns`,
      `coupon:{${OTHER}:default}:${EPOCH + 9}:meta`,
      `coupon:{${INSTALLATION}:_}:${EPOCH}:campaigns`,
      `coupon:{${INSTALLATION}:default}:${EPOCH}:applied_user`,
      `coupon:{${INSTALLATION}:default}:${EPOCH}:meta`,
      `coupon:{${INSTALLATION}:default}:${EPOCH}:pending`,
    ]);
  });

  it('leave the unnamed keys of the version before to the one whose epoch they carry', async () => {
    const unnamed = (epoch: number) => `coupon:{default}:${epoch}:meta`;
    await withRedis(server.url, (redis) =>
      redis.mset(unnamed(EPOCH), '', unnamed(EPOCH + 1), '', 'another-program', ''),
    );
    const { builder } = await builderOf(INSTALLATION);
    await builder.dropEpochsBelow(EPOCH + 5, [EPOCH, EPOCH + 5]);
    expect((await keys()).sort()).toEqual(['another-program', unnamed(EPOCH + 1)]);
  });
});
