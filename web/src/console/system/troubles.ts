import {
  DATABASE_AWAY,
  DATABASE_AWAY_TOO,
  DEAD,
  DISK_FAILS,
  DISK_FULL,
  DISK_LOW,
  FOREIGN,
  GATE_CLOSED,
  GATE_REFUSES,
  GATE_UNKNOWN,
  LOG_AWAY,
  LOG_AWAY_TOO,
  NOTHING_KEEPS,
  NOT_SEEN,
  REDIS_AWAY,
  ROLES,
  STANDS,
  TOPIC_UNUSABLE,
  type Words,
} from './trouble-words.ts';
import { DISK_LOW_BYTES, type System } from './words.ts';

export interface Trouble extends Words {
  /** ISO 8601; null when it is not known. */
  readonly since: string | null;
  /** In English, as in the log. */
  readonly why: string | null;
  /** What `{n}` and `{who}` of the words stand for. */
  readonly parts?: Readonly<Record<string, string | number>>;
}

/** While claims wait, a consumer settles some every few seconds, also while processes restart. */
const STANDS_AFTER_MS = 30_000;
/** SQLite needs less than this for a commit. */
const DISK_FULL_BYTES = 1_048_576;

/**
 * Why claims are not taken, or do not become coupons, the worst first. Empty means that both work: each part answers, an api
 * and a consumer are ready, and nothing stands.
 */
export function troublesOf(report: System): readonly Trouble[] {
  const away = serverTroubles(report);
  // A process that waits for such a server would say the same again.
  const roles = away.length === 0 ? roleTroubles(report) : [];
  const all = [...away, ...roles, ...claimTroubles(report, away.length === 0 && roles.length === 0)];
  return all.sort((a, b) => Number(a.isWarning === true) - Number(b.isWarning === true));
}

function serverTroubles({ service, gate, redis, claimLog, database, disk }: System): Trouble[] {
  const troubles: Trouble[] = [];
  const isEmbedded = service.profile === 'embedded';
  const logAway = { since: claimLog.awaySince, why: claimLog.trouble };
  const databaseAway = { since: database.awaySince, why: database.trouble };
  const nothingKeeps = !claimLog.up && !database.up;
  // Journal and database are files on one disk.
  const diskFails = isEmbedded && !claimLog.up;
  if (diskFails) {
    const isFull = disk !== null && disk.freeBytes < DISK_FULL_BYTES;
    troubles.push({ ...(isFull ? DISK_FULL : DISK_FAILS), ...logAway });
  } else if (nothingKeeps) {
    troubles.push({
      ...NOTHING_KEEPS,
      since: later(logAway.since, databaseAway.since),
      why: bothOf(logAway.why, databaseAway.why),
    });
  }
  if (redis?.up === false) troubles.push({ ...REDIS_AWAY, since: redis.awaySince, why: redis.trouble });
  const gateDown = { since: gate.downSince, why: gate.trouble };
  if (gate.state === 'fenced') {
    troubles.push({ ...GATE_CLOSED, ...gateDown });
  } else if (gate.state === 'unknown') {
    troubles.push({ ...GATE_UNKNOWN, ...gateDown });
    // Redis that is away has said so itself.
  } else if ((gate.trouble !== null || gate.downSince !== null) && redis?.up !== false) {
    troubles.push({ ...GATE_REFUSES, ...gateDown });
  }
  if (!diskFails && !nothingKeeps) {
    // "Claims are kept" is true only while the gate admits them.
    const isAdmitting = troubles.length === 0;
    if (!claimLog.up) troubles.push({ ...(isAdmitting ? LOG_AWAY : LOG_AWAY_TOO), ...logAway });
    if (!database.up) troubles.push({ ...(isAdmitting ? DATABASE_AWAY : DATABASE_AWAY_TOO), ...databaseAway });
  }
  const unusable = claimLog.topic?.unusable ?? null;
  if (unusable !== null) troubles.push({ ...TOPIC_UNUSABLE, since: null, why: unusable });
  return troubles;
}

function roleTroubles({ processes: { complete, items } }: System): Trouble[] {
  const none = { since: null, why: null };
  const having = (role: string) => items.filter(({ roles }) => roles.includes(role));
  if (!complete) {
    return ['api', 'consumer'].every((role) => having(role).length > 0) ? [] : [{ ...NOT_SEEN, ...none }];
  }
  const troubles: Trouble[] = [];
  for (const [role, words] of ROLES) {
    const all = having(role);
    const waiting = all.filter(({ roleStates }) => roleStates?.[role] === 'waiting');
    if (all.length === 0) {
      troubles.push({ ...words.missing, ...none });
    } else if (waiting.length > 0) {
      // One that stands before foreign claims is told of below, with what to do about that.
      const who = waiting.filter(({ foreignPartitions }) => role !== 'consumer' || (foreignPartitions ?? 0) === 0);
      if (who.length === 0) continue;
      const parts = { who: who.map(({ instance }) => instance).join(', ') };
      const isWarning = who.length < all.length || role === 'retry';
      troubles.push({ ...words.waiting, ...none, parts, isWarning });
    }
  }
  return troubles;
}

/** @param isUnexplained no part has said yet why claims would wait. */
function claimTroubles(report: System, isUnexplained: boolean): Trouble[] {
  const { at, claimLog, processes, failedEvents, disk } = report;
  const troubles: Trouble[] = [];
  const foreign = processes.items.reduce((sum, { foreignPartitions }) => sum + (foreignPartitions ?? 0), 0);
  const { standsSince } = claimLog;
  if (foreign > 0) {
    troubles.push({ ...FOREIGN, since: null, why: null, parts: { n: foreign } });
  } else if (isUnexplained && standsSince !== null && Date.parse(at) - Date.parse(standsSince) >= STANDS_AFTER_MS) {
    troubles.push({ ...STANDS, since: standsSince, why: null });
  }
  const dead = failedEvents?.dead ?? 0;
  if (dead > 0) troubles.push({ ...DEAD, since: null, why: null, parts: { n: dead } });
  if (disk !== null && disk.freeBytes < DISK_LOW_BYTES && claimLog.up) {
    troubles.push({ ...DISK_LOW, since: null, why: null });
  }
  return troubles;
}

function later(a: string | null, b: string | null): string | null {
  return a === null || b === null ? (a ?? b) : a > b ? a : b;
}

function bothOf(a: string | null, b: string | null): string | null {
  return a === null || b === null || a === b ? (a ?? b) : `${a}; ${b}`;
}
