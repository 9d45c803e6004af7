import { describe, expect, it } from '@jest/globals';
import * as words from './trouble-words.ts';
import { troublesOf } from './troubles.ts';
import { type System } from './words.ts';

const THEN = '2026-12-01T03:00:00.000Z';
const LATER = '2026-12-01T03:00:10.000Z';
const server = { up: true, awaySince: null, trouble: null, answerMs: 1 };
const away = { ...server, up: false, awaySince: THEN, trouble: 'ECONNREFUSED', answerMs: null };
const gate = { state: 'open', trouble: null, downSince: null };
const log = { ...server, topic: { unusable: null }, standsSince: null };
const process = {
  instance: 'host:1',
  roles: ['api', 'consumer', 'retry'],
  roleStates: { api: 'ready', consumer: 'ready', retry: 'ready' },
  foreignPartitions: 0,
};
const WELL = {
  at: '2026-12-01T03:01:00.000Z',
  service: { profile: 'distributed' },
  gate,
  redis: server,
  claimLog: log,
  database: server,
  failedEvents: { dead: 0 },
  processes: { complete: true, items: [process] },
  disk: null,
};
const EMBEDDED = {
  ...WELL,
  service: { profile: 'embedded' },
  redis: null,
  claimLog: { ...log, topic: null },
  disk: { freeBytes: 5e9, totalBytes: 9e9, usedBytes: 1 },
};

const named = Object.entries(words).flatMap(([name, one]) => ('what' in one ? [[one, name] as const] : []));
const roles = words.ROLES.flatMap(([role, { missing, waiting }]) => [
  [missing, `no ${role}`] as const,
  [waiting, `${role} waits`] as const,
]);
const NAMES = new Map([...named, ...roles].map(([{ what }, name]) => [what, name]));

const found = (report: object) => troublesOf(report as System);
const names = (report: object) => found(report).map(({ what }) => NAMES.get(what));

describe('what stands in the way of claims', () => {
  it('is nothing when claims are taken and become coupons', () => {
    expect(names(WELL)).toEqual([]);
    expect(names(EMBEDDED)).toEqual([]);
    // A version before this one does not tell how its roles are.
    const older = { ...process, roleStates: null, foreignPartitions: null };
    expect(names({ ...WELL, processes: { complete: true, items: [older] } })).toEqual([]);
  });

  it('is log and database together, first, when neither keeps a claim', () => {
    const report = { ...WELL, claimLog: { ...log, ...away }, database: { ...away, awaySince: LATER, trouble: 'lost' } };
    expect(names(report)).toEqual(['NOTHING_KEEPS']);
    expect(found(report)[0]).toMatchObject({ since: LATER, why: 'ECONNREFUSED; lost' });
  });

  it('is the disk alone in the embedded profile: both its files are on it', () => {
    const full = { ...server, up: false, awaySince: THEN, trouble: 'database or disk is full' };
    const report = { ...EMBEDDED, claimLog: { ...EMBEDDED.claimLog, ...full }, database: full };
    expect(names({ ...report, disk: { freeBytes: 0, totalBytes: 12, usedBytes: 12 } })).toEqual(['DISK_FULL']);
    expect(names(report)).toEqual(['DISK_FAILS']);
    expect(found(report)[0]).toMatchObject({ since: THEN, why: 'database or disk is full' });
  });

  it.each([
    ['the log', { claimLog: { ...log, ...away } }, ['LOG_AWAY']],
    ['the database', { database: away }, ['DATABASE_AWAY']],
    ['the topic', { claimLog: { ...log, topic: { unusable: 'min.insync.replicas is 1' } } }, ['TOPIC_UNUSABLE']],
    ['Redis, which is why the gate is down', { redis: away, gate: { ...gate, trouble: 'x' } }, ['REDIS_AWAY']],
    ['a closed gate', { gate: { ...gate, state: 'fenced' } }, ['GATE_CLOSED']],
    ['a gate that refuses', { gate: { ...gate, trouble: 'OOM', downSince: THEN } }, ['GATE_REFUSES']],
  ])('is %s', (_what, changed, expected) => {
    expect(names({ ...WELL, ...changed })).toEqual(expected);
  });

  it('promises nothing of new claims while none is admitted', () => {
    expect(names({ ...WELL, gate: { ...gate, state: 'unknown' }, database: away })).toEqual([
      'GATE_UNKNOWN',
      'DATABASE_AWAY_TOO',
    ]);
    expect(names({ ...WELL, redis: away, claimLog: { ...log, ...away } })).toEqual(['REDIS_AWAY', 'LOG_AWAY_TOO']);
  });
});

describe('what keeps claims from becoming coupons', () => {
  const api = { ...process, roles: ['api'], roleStates: { api: 'ready' } };
  const worker = { ...process, instance: 'host:2', roles: ['consumer'], roleStates: { consumer: 'ready' } };
  const retry = { ...process, instance: 'host:3', roles: ['retry'], roleStates: { retry: 'ready' } };
  const having = (...items: object[]) => ({ ...WELL, processes: { complete: true, items } });
  const waiting = { ...worker, roleStates: { consumer: 'waiting' } };

  it('is a role that no process has', () => {
    expect(names(having(api, worker, retry))).toEqual([]);
    expect(names(having(api, retry))).toEqual(['no consumer']);
    expect(names(having(api, worker))).toEqual(['no retry']);
  });

  it('is a role that waits: a warning while another process does its work', () => {
    const both = { ...worker, instance: 'host:4' };
    expect(found(having(api, waiting, retry))[0]).toMatchObject({ parts: { who: 'host:2' }, isWarning: false });
    expect(found(having(api, waiting, both, retry))[0]).toMatchObject({ parts: { who: 'host:2' }, isWarning: true });
  });

  it('is not known while other processes cannot be seen', () => {
    expect(names({ ...WELL, processes: { complete: false, items: [api] } })).toEqual(['NOT_SEEN']);
    expect(names({ ...WELL, processes: { complete: false, items: [process] } })).toEqual([]);
  });

  it('is a partition that stands before claims of another installation', () => {
    const stands = { ...waiting, foreignPartitions: 12 };
    const report = having(api, stands, retry);
    expect(names({ ...report, claimLog: { ...log, standsSince: THEN } })).toEqual(['FOREIGN']);
    // It comes before what is a warning alone.
    expect(names(having(api, stands))).toEqual(['FOREIGN', 'no retry']);
    expect(found(report)[0]).toMatchObject({ parts: { n: 12 } });
  });

  it('is a lag of which nothing was settled for half a minute', () => {
    expect(names({ ...WELL, claimLog: { ...log, standsSince: THEN } })).toEqual(['STANDS']);
    expect(names({ ...WELL, at: '2026-12-01T03:00:29.000Z', claimLog: { ...log, standsSince: THEN } })).toEqual([]);
    // The database that is away is the reason.
    expect(names({ ...WELL, database: away, claimLog: { ...log, standsSince: THEN } })).toEqual(['DATABASE_AWAY']);
  });

  it('is failed events that need a person, with a link to them', () => {
    const report = { ...WELL, failedEvents: { dead: 40 } };
    expect(names(report)).toEqual(['DEAD']);
    expect(found(report)[0]).toMatchObject({ parts: { n: 40 }, isWarning: true, link: '/failed-events?status=DEAD' });
    expect(names({ ...WELL, database: away, failedEvents: null })).toEqual(['DATABASE_AWAY']);
  });

  it('will be the disk when it is nearly full', () => {
    expect(names({ ...EMBEDDED, disk: { freeBytes: 9e8, totalBytes: 9e9, usedBytes: 1 } })).toEqual(['DISK_LOW']);
  });
});
