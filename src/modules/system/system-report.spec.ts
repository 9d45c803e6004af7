import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { parseEnv } from '../../platform/config/env.js';
import { type Database } from '../../ports/database/database.js';
import { type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type OwnReport } from '../../ports/live/own-report.js';
import { type ProcessBoard } from '../../ports/live/process-board.js';
import { type ClaimLog } from '../../ports/log/claim-log.js';
import { type Admission } from '../gate-watch/admission.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { DependencyStates } from './dependency-states.js';
import { SystemReport } from './system-report.js';

const CONFIG = parseEnv({
  PROFILE: 'distributed',
  IDENTITY: 'key',
  ADMIN_TOKEN: 'for-unit-tests-only-9LrD2mVhY5cJf8GsPuE3a',
  REDIS_URL: 'redis://localhost',
  KAFKA_BROKERS: 'localhost:9092',
  DATABASE_URL: 'mysql://u:p@localhost/c',
});

let timers: SetTimers;
let gate: 'open' | 'fenced';
let asked: number;
let logTrouble: string | null;
let report: SystemReport;

/** @param server what every server does with every question. */
function reportWith(server: () => Promise<never>): SystemReport {
  const ask = () => {
    asked += 1;
    return server();
  };
  const log = {
    describe: logTrouble === null ? ask : () => Promise.resolve(null),
    committedOffsets: () =>
      Promise.resolve(
        new Map([
          [10, 3],
          [9, 3],
        ]),
      ),
    startOffsets: () =>
      Promise.resolve(
        new Map([
          [10, 0],
          [9, 0],
        ]),
      ),
    endOffsets: () =>
      Promise.resolve(
        new Map([
          [10, 4],
          [9, 3],
        ]),
      ),
    away: logTrouble !== null,
    trouble: logTrouble,
  } as unknown as ClaimLog;
  const watch = {
    get state() {
      return { state: gate, epoch: 7, gateTrouble: gate === 'open' ? null : 'Redis is away', script: null };
    },
  } as unknown as EpochWatch;
  const admission = { storeAway: false } as Admission;
  return new SystemReport(
    CONFIG,
    { read: ask } as unknown as Database,
    { describeServer: ask } as unknown as IssuanceGate,
    log,
    { read: ask } as unknown as ProcessBoard,
    {
      installation: 'own',
      report: () => ({
        process: { id: 'a', instance: 'host:1', roles: ['api'], version: '1.0.0', startedAt: 1_000 },
        uptimeMs: 5.4,
        campaigns: new Map(),
        health: { roles: { api: 'waiting' }, foreignPartitions: 0 },
      }),
    } as unknown as OwnReport,
    watch,
    new DependencyStates(watch, log, admission, timers.clock, timers),
    timers.clock,
    timers,
  );
}

const at = (ms: number) => new Date(ms).toISOString();

beforeEach(() => {
  timers = new SetTimers();
  gate = 'open';
  asked = 0;
  logTrouble = null;
});

describe('the report while servers are away', () => {
  it('says so of each of them, and since when this process knows it', async () => {
    report = reportWith(() => Promise.reject(new Error('connection refused')));
    const first = timers.clock.wall();
    await report.read();
    timers.clock.pass(60_000);
    const { redis, claimLog, database, gate: shown, processes, service, disk } = await report.read();
    const away = { up: false, awaySince: at(first), trouble: 'connection refused', answerMs: null };
    expect([redis, claimLog, database]).toMatchObject([away, away, away]);
    expect([claimLog.lag, claimLog.partitions, database.version, shown.rebuilds, shown.building]).toEqual(
      Array(5).fill(null),
    );
    expect(shown).toMatchObject({ state: 'open', epoch: 7, trouble: null });
    expect([service.installation, disk]).toEqual(['own', null]);
    // This process at least is known.
    expect(processes).toEqual({
      complete: false,
      items: [
        {
          instance: 'host:1',
          roles: ['api'],
          version: '1.0.0',
          startedAt: at(1_000),
          uptimeMs: 5,
          answers: true,
          roleStates: { api: 'waiting' },
          foreignPartitions: 0,
        },
      ],
    });
  });

  it('goes back to when the process itself met the outage, before anybody looked', async () => {
    report = reportWith(() => Promise.reject(new Error('connection refused')));
    await report.read();
    timers.clock.pass(10_000);
    const since = timers.clock.wall();
    gate = 'fenced';
    expect((await report.read()).gate.downSince).toBe(at(since));
    timers.clock.pass(10_000);
    expect((await report.read()).gate.downSince).toBe(at(since));
  });

  it('carries what this process has met with a log that answers questions and takes no claims', async () => {
    logTrouble = 'database or disk is full';
    report = reportWith(() => Promise.reject(new Error('connection refused')));
    const first = timers.clock.wall();
    expect((await report.read()).claimLog).toMatchObject({ up: false, trouble: logTrouble, answerMs: 0 });
    timers.clock.pass(60_000);
    const { claimLog, failedEvents } = await report.read();
    expect([claimLog.lag, claimLog.standsSince, failedEvents]).toEqual([1, at(first), null]);
    expect(claimLog.partitions?.map(({ partition }) => partition)).toEqual([9, 10]);
  });

  it('comes after 2 s from servers that hang, and asks them nothing more', async () => {
    report = reportWith(() => new Promise<never>(() => undefined));
    const first = report.read();
    await timers.pass(2_000);
    expect((await first).database).toMatchObject({ up: false, trouble: 'no answer within 2000 ms' });
    const before = asked;
    timers.clock.pass(5_000);
    expect((await report.read()).database.up).toBe(false);
    expect(asked).toBe(before);
  });

  it('asks once a second, however many look', async () => {
    report = reportWith(() => Promise.reject(new Error('connection refused')));
    await Promise.all([report.read(), report.read(), report.read()]);
    const once = asked;
    timers.clock.pass(1_000);
    await report.read();
    expect(asked).toBe(once);
    timers.clock.pass(1);
    await report.read();
    expect(asked).toBe(2 * once);
  });
});
