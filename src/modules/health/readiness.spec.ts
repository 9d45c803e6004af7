import { describe, expect, it } from '@jest/globals';
import { parseEnv } from '../../platform/config/env.js';
import { systemClock } from '../../platform/flow/clock.js';
import { NoTokens, TokenVerifier } from '../../platform/identity/tokens/token-verifier.js';
import { type ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';
import { Readiness } from './readiness.js';

const OPEN = { state: 'open', epoch: 7, databaseAway: false, gateTrouble: null, script: null } as const;

function readiness(
  roles: string,
  state: Partial<EpochWatch['state']> = {},
  logAway = false,
  storeRefusal: string | null = null,
  foreign = new ForeignClaims(systemClock),
  tokens: TokenVerifier = new NoTokens(),
): Readiness {
  const watch = { state: { ...OPEN, ...state } as EpochWatch['state'] } as EpochWatch;
  const log = { away: logAway } as ClaimLog;
  const admission = new Admission(watch, log);
  if (storeRefusal !== null) admission.storeRefused(storeRefusal);
  return new Readiness(parseEnv({ ROLES: roles }), watch, log, admission, foreign, tokens);
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

  it('shows which script the open gate has, where a gate has one', () => {
    const script = { version: '0123456789ab', current: false };
    expect(readiness(ALL, { script }).report()).toMatchObject({
      status: 'ok',
      gate: { state: 'open', epoch: 7, script },
    });
  });

  it.each<[string, string, Partial<EpochWatch['state']>, boolean, string]>([
    ['the api without the log stores claims in the database', 'api', {}, true, 'degraded'],
    ['the api without the database stores claims on the log', 'api', { databaseAway: true }, false, 'degraded'],
    ['the api with neither can promise nothing', 'api', { databaseAway: true }, true, 'unavailable'],
    ['the api behind a fence admits nobody', 'api', { state: 'fenced' }, false, 'unavailable'],
    ['the api whose gate is away or refuses admits nobody', 'api', { gateTrouble: 'OOM' }, false, 'unavailable'],
    ['the api does not know yet which gate is open', 'api', { state: 'unknown' }, false, 'unavailable'],
    [
      'a consumer beside an api behind a fence changes nothing for claims',
      ALL,
      { state: 'fenced' },
      false,
      'unavailable',
    ],
    ['nor does one beside an api that has nowhere to store', ALL, { databaseAway: true }, true, 'unavailable'],
    ['the consumer needs no gate', 'consumer,retry', { gateTrouble: 'OOM' }, false, 'degraded'],
    ['one of two roles can work', 'consumer,retry', {}, true, 'degraded'],
    ['the consumer needs the database', 'consumer', { databaseAway: true }, false, 'unavailable'],
    ['the retry needs the database', 'retry', { databaseAway: true }, false, 'unavailable'],
    ['the retry waits for the log', 'retry', {}, true, 'degraded'],
  ])('%s', (_what, roles, state, logAway, status) => {
    expect(readiness(roles, state, logAway).report().status).toBe(status);
  });

  it('is degraded while the consumer stands before a claim of another installation', () => {
    const foreign = new ForeignClaims(systemClock);
    foreign.met(3);
    const stands = readiness('consumer,retry', {}, false, null, foreign);
    expect(stands.report()).toMatchObject({ status: 'degraded', roles: { consumer: 'waiting', retry: 'ready' } });
    foreign.passed(3);
    expect(stands.report().status).toBe('ok');
  });

  it.each([
    ['ok', 'up', null],
    ['degraded', 'down', 'the keys of http://login.example/certs cannot be fetched: ECONNREFUSED'],
  ])('with tokens is %s while the issuer is %s', (status, identity, trouble) => {
    const tokens = { isOn: true, trouble } as TokenVerifier;
    const report = readiness(ALL, {}, false, null, undefined, tokens).report();
    expect(report).toMatchObject({ status, dependencies: { identity }, roles: { api: 'ready' } });
  });

  it('sends traffic elsewhere once the process is stopping', () => {
    const stopping = readiness(ALL);
    stopping.beforeApplicationShutdown();
    expect(stopping.report()).toMatchObject({ status: 'unavailable', roles: { api: 'draining' } });
  });
});
