import { type GateServer } from '../../ports/gate/issuance-gate.js';

/** What INFO tells of a server. A field is empty or null where the server does not tell it, as some hosted ones do. */
export interface ServerInfo {
  readonly version: string;
  /** Changes with every restart. */
  readonly runId: string;
  /** Changes with every promotion. */
  readonly replicationId: string;
  readonly role: string;
  /** standalone, cluster or sentinel. */
  readonly mode: string;
  readonly maxmemoryPolicy: string;
  readonly aofEnabled: boolean | null;
}

/** The oldest major version whose scripts may write after reading the time, and whose functions we rely on. */
const MIN_MAJOR = 7;

/** @param text the answer of INFO. Most hosted servers forbid CONFIG. */
export function parseServerInfo(text: string): ServerInfo {
  const values = valuesIn(text);
  const value = (name: string) => values.get(name) ?? '';
  const aofEnabled = values.get('aof_enabled');
  return {
    version: value('redis_version'),
    runId: value('run_id'),
    replicationId: value('master_replid'),
    role: value('role'),
    mode: value('redis_mode') || (value('cluster_enabled') === '1' ? 'cluster' : ''),
    maxmemoryPolicy: value('maxmemory_policy'),
    aofEnabled: aofEnabled === undefined ? null : aofEnabled === '1',
  };
}

/** What the server tells of itself, for people. @param text the answer of INFO. */
export function describedServer(text: string): GateServer {
  const values = valuesIn(text);
  const word = (name: string) => values.get(name) || null;
  const number = (name: string) => {
    const value = word(name);
    return value !== null && /^\d+$/.test(value) ? Number(value) : null;
  };
  const uptime = number('uptime_in_seconds');
  return {
    version: word('redis_version'),
    role: word('role'),
    uptimeMs: uptime === null ? null : uptime * 1_000,
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
    evictionPolicy: word('maxmemory_policy'),
    appendOnly: parseServerInfo(text).aofEnabled,
    clients: number('connected_clients'),
  };
}

function valuesIn(text: string): Map<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}

/** Why the gate must not be kept on this server, or null. What it does not tell is no reason; see {@link warningsOf}. */
export function whyUnusable({ version, mode, role, maxmemoryPolicy }: ServerInfo): string | null {
  if (version !== '' && !(Number.parseInt(version, 10) >= MIN_MAJOR)) {
    return `Redis ${MIN_MAJOR}.0 or later is needed, this one is ${version}`;
  }
  if (mode === 'cluster') {
    return 'one Redis is needed, this one is part of a Redis Cluster (redis_mode:cluster), which refuses calls for several campaigns';
  }
  if (mode === 'sentinel') {
    return 'this is a Sentinel (redis_mode:sentinel), which keeps no data: name the master itself';
  }
  if (mode !== '' && mode !== 'standalone') return `one Redis is needed (redis_mode:standalone), this one is a ${mode}`;
  if (role !== '' && role !== 'master') return `Redis has to be a master, this one is a ${role}`;
  if (maxmemoryPolicy !== '' && maxmemoryPolicy !== 'noeviction') {
    return `Redis must not evict keys: maxmemory-policy has to be noeviction, it is ${maxmemoryPolicy}`;
  }
  return null;
}

/** What an operator should know of a server that may be used. */
export function warningsOf({ version, mode, role, maxmemoryPolicy, replicationId, aofEnabled }: ServerInfo): string[] {
  const untold = Object.entries({
    redis_version: version,
    redis_mode: mode,
    role,
    maxmemory_policy: maxmemoryPolicy,
    // Without it the gate cannot tell the master that it was built on from one that was replaced and came back with its
    // scripts.
    master_replid: replicationId,
  }).flatMap(([name, value]) => (value === '' ? [name] : []));
  const warnings: string[] = [];
  if (untold.length > 0) {
    warnings.push(
      `INFO of Redis does not tell ${untold.join(', ')}: make sure that it is one master of version ${MIN_MAJOR}.0 or later ` +
        'with maxmemory-policy noeviction',
    );
  }
  if (aofEnabled === false) {
    warnings.push(
      'Redis keeps no append-only file: after each of its restarts it is empty, and claims are answered 503 until every ' +
        'coupon is read from the database again. Nothing is lost by it',
    );
  }
  return warnings;
}

/**
 * True when both tell of one process. A server that hides its run id counts as the same one: there is no way to tell.
 */
export function isOneServer(one: ServerInfo, other: ServerInfo): boolean {
  return one.runId === other.runId || one.runId === '' || other.runId === '';
}

/** True when the server has neither restarted nor followed another one in between, as far as it tells. */
export function isSameMemory(one: ServerInfo, other: ServerInfo): boolean {
  return one.runId === other.runId && one.replicationId === other.replicationId;
}
