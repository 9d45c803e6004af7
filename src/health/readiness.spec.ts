import { describe, expect, it } from '@jest/globals';
import { parseEnv } from '../config/env.js';
import { type ClaimLog } from '../events/claim-log.js';
import { type EpochWatch } from '../gate/epoch-watch.js';
import { Readiness } from './readiness.js';

const OPEN = { state: 'open', epoch: 7, databaseAway: false, gateAway: false } as const;

function readiness(roles: string, state: Partial<EpochWatch['state']> = {}, logAway = false): Readiness {
  const watch = { state: { ...OPEN, ...state } } as EpochWatch;
  return new Readiness(parseEnv({ ROLES: roles }), watch, { away: logAway } as ClaimLog);
}

const ALL = 'api,consumer,retry';

describe('readiness', () => {
  it('is ok when everything is there', () => {
    expect(readiness(ALL).report()).toEqual({
      status: 'ok',
      gate: { state: 'open', epoch: 7 },
      dependencies: { gate: 'up', claimLog: 'up', database: 'up' },
      roles: { api: 'ready', consumer: 'ready', retry: 'ready' },
    });
  });

  it.each<[string, string, Partial<EpochWatch['state']>, boolean, string]>([
    ['the api without the log stores claims in the database', 'api', {}, true, 'degraded'],
    ['the api without the database stores claims on the log', 'api', { databaseAway: true }, false, 'degraded'],
    ['the api with neither can promise nothing', 'api', { databaseAway: true }, true, 'unavailable'],
    ['the api behind a fence admits nobody', 'api', { state: 'fenced' }, false, 'unavailable'],
    ['the api whose gate is away admits nobody', 'api', { gateAway: true }, false, 'unavailable'],
    ['a process whose consumer still works is degraded by a fence', ALL, { state: 'fenced' }, false, 'degraded'],
    ['the consumer needs no gate', 'consumer', { gateAway: true }, false, 'degraded'],
    ['the consumer needs the database', 'consumer', { databaseAway: true }, false, 'unavailable'],
    ['the retry needs the database', 'retry', { databaseAway: true }, false, 'unavailable'],
    ['the retry waits for the log', 'retry', {}, true, 'degraded'],
  ])('%s', (_what, roles, state, logAway, status) => {
    expect(readiness(roles, state, logAway).report().status).toBe(status);
  });

  it('sends traffic elsewhere once the process is stopping', () => {
    const stopping = readiness(ALL);
    stopping.beforeApplicationShutdown();
    expect(stopping.report()).toMatchObject({ status: 'unavailable', roles: { api: 'draining' } });
  });
});
