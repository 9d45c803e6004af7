import { describe, expect, it } from '@jest/globals';
import { isOneServer, isSameMemory, parseServerInfo, warningsOf, whyUnusable } from './server-info.js';

const info = (runId: string, replicationId: string) =>
  parseServerInfo(`# Server\r\nredis_version:7.0.15\r\nrun_id:${runId}\r\nmaster_replid:${replicationId}\r\n`);
/** What some hosted servers answer. */
const silent = parseServerInfo('# Server\r\nredis_version:7.0.15\r\n');

describe('two looks at what may be two servers', () => {
  it('are at one server when the run id is the same, whatever became of its history', () => {
    expect(isOneServer(info('a', 'x'), info('a', 'y'))).toBe(true);
    expect(isOneServer(info('a', 'x'), info('b', 'x'))).toBe(false);
  });

  it('are taken for looks at one where a server keeps its run id to itself', () => {
    expect(isOneServer(silent, info('a', 'x'))).toBe(true);
    expect(isOneServer(info('a', 'x'), silent)).toBe(true);
    expect(isOneServer(silent, silent)).toBe(true);
  });

  it('are at the same memory when neither the process nor its history is another one', () => {
    expect(isSameMemory(info('a', 'x'), info('a', 'x'))).toBe(true);
    expect(isSameMemory(info('a', 'x'), info('b', 'x'))).toBe(false);
    expect(isSameMemory(info('a', 'x'), info('a', 'y'))).toBe(false);
    expect(isSameMemory(silent, silent)).toBe(true);
  });
});

describe('a server', () => {
  const GOOD = {
    master_replid: 'replid',
    redis_version: '7.0.15',
    redis_mode: 'standalone',
    role: 'master',
    maxmemory_policy: 'noeviction',
    aof_enabled: '1',
  };
  const told = (over: Record<string, string> = {}, without: readonly string[] = []) => {
    const fields = Object.entries({ ...GOOD, ...over }).filter(([name]) => !without.includes(name));
    return parseServerInfo(`# Server\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join('')}`);
  };

  it.each([
    ['is used', {}],
    ['is used without an append-only file', { aof_enabled: '0' }],
    ['is used in a later version', { redis_version: '255.255.255' }],
  ])('%s', (_what, over) => {
    expect(whyUnusable(told(over))).toBeNull();
  });

  it.each([
    ['redis_version', '6.2.14', /7\.0 or later is needed, this one is 6\.2\.14/],
    ['redis_version', 'who knows', /7\.0 or later/],
    ['redis_mode', 'cluster', /redis_mode:cluster/],
    ['redis_mode', 'sentinel', /redis_mode:sentinel/],
    ['redis_mode', 'something', /redis_mode:standalone/],
    ['role', 'slave', /master, this one is a slave/],
    ['role', 'sentinel', /master/],
    ['maxmemory_policy', 'allkeys-lru', /noeviction, it is allkeys-lru/],
    ['maxmemory_policy', 'volatile-ttl', /noeviction/],
  ])('is refused with %s %s', (name, value, why) => {
    expect(whyUnusable(told({ [name]: value }))).toMatch(why);
  });

  it('is refused as a cluster also by the older field', () => {
    expect(whyUnusable(told({ cluster_enabled: '1' }, ['redis_mode']))).toMatch(/redis_mode:cluster/);
  });

  it.each(['redis_version', 'redis_mode', 'role', 'maxmemory_policy', 'master_replid'])(
    'that does not tell its %s is used, and warned about by that name',
    (name) => {
      const info = told({}, [name]);
      expect(whyUnusable(info)).toBeNull();
      expect(warningsOf(info)).toEqual([expect.stringContaining(`does not tell ${name}:`)]);
    },
  );

  it('is warned about once for all that it does not tell, and for a file that it does not keep', () => {
    expect(warningsOf(told())).toEqual([]);
    expect(warningsOf(told({}, ['aof_enabled']))).toEqual([]);
    expect(warningsOf(told({ aof_enabled: '0' }))).toEqual([expect.stringContaining('no append-only file')]);
    expect(warningsOf(parseServerInfo(''))).toEqual([
      expect.stringContaining('redis_version, redis_mode, role, maxmemory_policy, master_replid'),
    ]);
  });
});
