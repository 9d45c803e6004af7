/** What INFO tells of a server. */
export interface ServerInfo {
  readonly version: string;
  /** Another one after every restart. */
  readonly runId: string;
  /** Another one after every promotion; empty where the server does not tell. */
  readonly replicationId: string;
  readonly role: string;
  readonly maxmemoryPolicy: string;
  readonly aofEnabled: boolean;
}

/** The oldest major version whose scripts may write after reading the time, and whose functions we rely on. */
const MIN_MAJOR = 7;

/** @param text the answer of INFO; CONFIG is forbidden by most who rent out a Redis. */
export function parseServerInfo(text: string): ServerInfo {
  const values = new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
  const value = (name: string) => values.get(name) ?? '';
  return {
    version: value('redis_version'),
    runId: value('run_id'),
    replicationId: value('master_replid'),
    role: value('role'),
    maxmemoryPolicy: value('maxmemory_policy'),
    aofEnabled: value('aof_enabled') === '1',
  };
}

/** Why the gate must not be kept on this server, or null. */
export function unfitness(info: ServerInfo | null): string | null {
  if (info === null) return 'Redis did not answer INFO';
  if (!(Number.parseInt(info.version, 10) >= MIN_MAJOR)) {
    return `Redis ${MIN_MAJOR}.0 or later is needed, this one is ${info.version || 'of an unknown version'}`;
  }
  if (info.role !== 'master') return `Redis has to be a master, this one is a ${info.role}`;
  if (info.maxmemoryPolicy !== 'noeviction') {
    return `Redis must not evict keys: maxmemory-policy has to be noeviction, it is ${info.maxmemoryPolicy}`;
  }
  if (!info.aofEnabled) return 'Redis has to keep an append-only file: appendonly has to be yes, it is no';
  return null;
}

/** Do both tell of one process? A server that keeps its run id to itself is taken for the other one: nobody can tell. */
export function isOneServer(one: ServerInfo, other: ServerInfo): boolean {
  return one.runId === other.runId || one.runId === '' || other.runId === '';
}

/** Not restarted, and it has followed nobody since; as far as it tells. */
export function isSameMemory(one: ServerInfo, other: ServerInfo): boolean {
  return one.runId === other.runId && one.replicationId === other.replicationId;
}
