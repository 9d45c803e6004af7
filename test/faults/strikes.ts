import { expect } from '@jest/globals';
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { type Cluster, type Member } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { type Deadlines, passed, type Strike, usersOf } from './fault-drop.js';
import { between } from './fault-test.js';

/** One row, or a part of a row, of docs/reliability.md: a fault in the middle of a drop. */
export interface DropFault extends Deadlines {
  readonly row: number;
  readonly what: string;
  readonly strike: Strike;
  /** What it breaks. Two strikes at the same target are done one after the other. */
  readonly target: 'redis' | 'kafka' | 'mariadb' | 'api' | 'worker';
  /** True if it takes a minute or more. */
  readonly slow?: boolean;
}

/** Executes statements as an administrator. */
export async function execute({ servers }: Cluster, ...statements: string[]): Promise<void> {
  const connection = await createConnection({ uri: servers.mariadb.url });
  try {
    for (const sql of statements) await connection.query(sql);
  } finally {
    await connection.end();
  }
}

/** The member that joined last, such as a failing process that the test has added. */
export function lastOf(members: readonly Member[]): Member {
  const last = members.at(-1);
  if (last === undefined) throw new Error('no such process');
  return last;
}

/** The member with this duty that joined last. */
export function lastWith(cluster: Cluster, duty: 'api' | 'worker'): Member {
  return lastOf(duty === 'api' ? cluster.apis() : cluster.workers());
}

const freeze =
  (server: 'redis' | 'kafka' | 'mariadb', ms: number): Strike =>
  async ({ servers }) => {
    servers[server].pause();
    await passed(ms);
    servers[server].resume();
  };

/** Kills a server and starts it again after this time. */
const away =
  (server: 'kafka' | 'mariadb', ms: number): Strike =>
  async ({ servers }) => {
    await servers[server].kill();
    await passed(ms);
    await servers[server].start();
  };

const restartRedis =
  (meanwhile: (cluster: Cluster) => void = () => undefined): Strike =>
  async (cluster) => {
    const { redis } = cluster.servers;
    await redis.kill();
    meanwhile(cluster);
    await redis.start();
  };

/**
 * Killing Redis loses nothing, because the page cache survives. So this cuts off the end of the log, as a lost cache
 * would. The part before it is still there, so Redis comes back with an older state that looks sound.
 */
const loseEndOfAof: Strike = async (cluster, drop) => {
  const { aofDirectory } = cluster.servers.redis;
  const [aof] = readdirSync(aofDirectory).filter((file) => file.endsWith('.incr.aof'));
  const file = join(aofDirectory, String(aof));
  const synced = statSync(file).size;
  await drop.run(cluster.client(), { users: usersOf(50, 'unsynced-'), tries: 1, width: 10 });
  await passed(between(1_000, 2_000));
  expect(synced).toBeGreaterThan(0);
  // Another fault may stop all claims for a while.
  await eventually(() => {
    if (drop.lastWord !== '409 sold-out') expect(statSync(file).size).toBeGreaterThan(synced);
  }, 60_000);
  await restartRedis(() => truncateSync(file, synced))(cluster, drop);
};

const flush: Strike = (cluster) => cluster.redis(async (redis) => void (await redis.flushall()));

/** Flushes the scripts. Until there is a new gate, callers are only told to come again. */
const forgetScripts = async (cluster: Cluster, drop: Drop): Promise<number> => {
  const gate = async () => (await cluster.rows('SELECT epoch, script_sha AS sha FROM gate'))[0];
  // The other of two faults may have closed the gate. An epoch whose script is not loaded yet loses nothing through
  // this one.
  const before = await eventually(async () => {
    const row = await gate();
    expect(row?.['sha']).not.toBeNull();
    return row;
  }, 30_000);
  await cluster.redis(async (redis) => void (await redis.script('FLUSH')));
  const flushed = performance.now();
  let fencedUntil = flushed;
  await eventually(async () => {
    const asked = performance.now();
    const now = await gate();
    const open = now?.['sha'] !== null && Number(now?.['epoch']) > Number(before?.['epoch']);
    if (!open) fencedUntil = asked;
    await drop.press(cluster.client(), `fenced-${drop.calls.length}`);
    expect(open).toBe(true);
  }, 60_000);
  const meanwhile = drop.calls.filter(({ at, ms }) => at > flushed && at + ms < fencedUntil).map(({ word }) => word);
  expect(meanwhile.filter((word) => /^\d/.test(word) && !word.startsWith('503'))).toEqual([]);
  expect(meanwhile).toContain('503 issuer-unavailable');
  return flushed;
};

/** Redis then refuses writes, and keeps what it has. */
export const exhaustMemory: Strike = (cluster) =>
  cluster.redis(async (redis) => {
    await redis.config('SET', 'maxmemory', '1mb');
    await passed(10_000);
    await redis.config('SET', 'maxmemory', '0');
  });

const deleteKey =
  (structure: string): Strike =>
  async (cluster, drop) => {
    // Redis keeps no empty set. While no worker consumes, the pending set is not empty and can be lost.
    const consumers = structure === 'pending' ? cluster.workers() : [];
    for (const { process } of consumers) process.signal('SIGSTOP');
    await cluster
      .redis((redis) =>
        eventually(async () => {
          const keys = await redis.keys(`coupon:{*:${drop.campaignId}}:*:${structure}`);
          // As the second of two faults, it may strike when everything is already sold and issued.
          if (structure === 'pending' && keys.length === 0 && drop.lastWord === '409 sold-out') return;
          expect(keys).toHaveLength(1);
          expect(await redis.del(...keys)).toBe(1);
        }),
      )
      .finally(() => {
        for (const { process } of consumers) process.signal('SIGCONT');
      });
  };

const kill =
  (duty: 'api' | 'worker'): Strike =>
  async (cluster) => {
    await cluster.end(lastWith(cluster, duty), 'SIGKILL');
  };

const leave =
  (duty: 'api' | 'worker'): Strike =>
  async (cluster) => {
    const asked = performance.now();
    await cluster.end(lastWith(cluster, duty), 'SIGTERM');
    expect(performance.now() - asked).toBeLessThan(10_000);
  };

/** Freezes a worker for longer than its session. When it wakes up, other workers have its partitions. */
const freezeWorker: Strike = async (cluster) => {
  const { process } = lastOf(cluster.workers());
  process.signal('SIGSTOP');
  await passed(20_000);
  process.signal('SIGCONT');
};

const sql =
  (breakIt: string[], ms: number, mendIt: string[]): Strike =>
  async (cluster) => {
    await execute(cluster, ...breakIt);
    await passed(ms);
    await execute(cluster, ...mendIt);
  };

const redis = { target: 'redis', claimsAgainMs: 15_000, keptMs: 30_000 } as const;
const wiped = { target: 'redis', claimsAgainMs: 20_000, keptMs: 20_000 } as const;

export const REDIS_FAULTS: readonly DropFault[] = [
  { row: 5, what: 'Redis is killed with -9 and comes back with its AOF', strike: restartRedis(), ...redis },
  { row: 6, what: 'Redis loses the end of its AOF', strike: loseEndOfAof, ...wiped },
  { row: 7, what: 'Redis is flushed', strike: flush, ...wiped },
  ...['meta', 'applied_user', 'pending'].map((structure) => ({
    row: 7,
    what: `Redis loses the key ${structure} of the campaign`,
    strike: deleteKey(structure),
    ...wiped,
  })),
  {
    row: 8,
    what: 'Redis comes back empty',
    strike: restartRedis(({ servers }) => rmSync(servers.redis.aofDirectory, { recursive: true })),
    ...wiped,
  },
  {
    row: 11,
    what: 'Redis forgets its scripts',
    strike: forgetScripts,
    ...redis,
    keptMs: 15_000,
  },
  { row: 12, what: 'Redis is frozen for 10 s', strike: freeze('redis', 10_000), ...redis, lastsMs: 10_000 },
];

const kafka = { target: 'kafka', claimsAgainMs: 2_500, keptMs: 30_000 } as const;

export const KAFKA_FAULTS: readonly DropFault[] = [
  { row: 16, what: 'Kafka is frozen for 20 s', strike: freeze('kafka', 20_000), ...kafka, lastsMs: 20_000 },
];

const mariadb = { target: 'mariadb', claimsAgainMs: 5_000, keptMs: 30_000 } as const;

export const DATABASE_FAULTS: readonly DropFault[] = [
  { row: 25, what: 'the database is frozen for 30 s', strike: freeze('mariadb', 30_000), ...mariadb, lastsMs: 30_000 },
  {
    row: 27,
    what: 'the database is read-only for 20 s',
    strike: sql(['SET GLOBAL read_only = 1'], 20_000, ['SET GLOBAL read_only = 0']),
    ...mariadb,
    lastsMs: 20_000,
  },
  {
    row: 27,
    what: 'the table is renamed away for 60 s',
    strike: sql(['RENAME TABLE coupons TO coupons_away'], 60_000, ['RENAME TABLE coupons_away TO coupons']),
    ...mariadb,
    lastsMs: 60_000,
    slow: true,
  },
  {
    row: 27,
    what: 'the database refuses every coupon for 20 s, with an error that nobody knows',
    strike: sql(
      [
        `CREATE TRIGGER refuse BEFORE INSERT ON coupons FOR EACH ROW
         SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1644, MESSAGE_TEXT = 'no'`,
      ],
      20_000,
      ['DROP TRIGGER refuse'],
    ),
    ...mariadb,
    lastsMs: 20_000,
  },
  {
    row: 27,
    what: 'the password is another one for 20 s',
    strike: sql(["ALTER USER 'service'@'127.0.0.1' IDENTIFIED BY 'another'", 'KILL USER service'], 20_000, [
      "ALTER USER 'service'@'127.0.0.1' IDENTIFIED BY 'coupon'",
    ]),
    ...mariadb,
    lastsMs: 20_000,
  },
];

const member = { claimsAgainMs: 2_500, keptMs: 30_000 } as const;

export const PROCESS_FAULTS: readonly DropFault[] = [
  {
    row: 2,
    what: 'an api is killed with -9 in the middle of a burst',
    strike: kill('api'),
    target: 'api',
    ...member,
    killed: true,
  },
  {
    row: 20,
    what: 'a worker is killed with -9 in the middle of a batch',
    strike: kill('worker'),
    target: 'worker',
    ...member,
  },
  {
    row: 21,
    what: 'a worker is stopped beyond its session and comes back',
    strike: freezeWorker,
    target: 'worker',
    ...member,
    lastsMs: 20_000,
  },
];

/** Faults that have their own tests elsewhere, with more checks than a drop. */
export const MORE_FAULTS: readonly DropFault[] = [
  { row: 14, what: 'Redis has no memory left for 10 s', strike: exhaustMemory, ...redis, lastsMs: 10_000 },
  { row: 15, what: 'Kafka is killed with -9 for 20 s', strike: away('kafka', 20_000), ...kafka, lastsMs: 20_000 },
  {
    row: 24,
    what: 'the database is killed with -9 for 20 s',
    strike: away('mariadb', 20_000),
    ...mariadb,
    lastsMs: 20_000,
  },
  { row: 32, what: 'an api ends in order', strike: leave('api'), target: 'api', left: true, ...member },
  { row: 32, what: 'a worker ends in order', strike: leave('worker'), target: 'worker', ...member },
];
