import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { SetTimers } from '../../../../test/support/flow.js';
import { AUDIENCE, IdentityProvider, publicKeyOf, signingKey } from '../../../../test/support/identity-provider.js';
import { until } from '../../../../test/support/until.js';
import { JwtVerifier } from './jwt-verifier.js';
import { RemoteKeys } from './remote-keys.js';
import { TokenMetrics } from './token.metrics.js';
import { type TokenOutcome } from './token-verifier.js';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const first = signingKey('first');
const second = signingKey('second');

/** What a service does with the tokens of a real provider. Time is the test's, the provider's clock is its own. */
describe('beside a real provider', () => {
  let provider: IdentityProvider;
  let timers: SetTimers;
  let keys: RemoteKeys;
  let verifier: JwtVerifier;

  beforeEach(async () => {
    provider = new IdentityProvider(
      { 'auth0|kim': undefined, 'lee@example.com': ['offline_access', 'operator'] },
      first,
    );
    await provider.start();
    timers = new SetTimers();
    timers.clock.at = { ...timers.clock.at, wall: Date.now() };
    keys = new RemoteKeys(provider.keySetUrl, ALGORITHMS, timers.clock, timers);
    const config = {
      issuer: provider.issuer,
      audiences: [AUDIENCE],
      algorithms: ALGORITHMS,
      keys: { kind: 'url' as const, url: provider.keySetUrl },
      userClaim: 'sub',
      roleClaim: 'realm_access.roles',
    };
    verifier = new JwtVerifier(config, keys, timers.clock, new TokenMetrics(new Registry()));
  });
  afterEach(async () => {
    keys.stop();
    await provider.stop();
  });

  const start = async () => {
    keys.start();
    await fetched();
  };
  const fetched = () => until('the next fetch is planned', () => timers.size === 1);
  /** Lets time pass in steps in which one fetch at most falls due, and waits for each fetch. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      await timers.pass(Math.min(left, 1_000));
      await fetched();
    }
  };
  const judge = async (token: string): Promise<string> => {
    const outcome: TokenOutcome = await verifier.verify(token);
    if (outcome.kind === 'user') return outcome.userId;
    return outcome.kind === 'invalid' ? outcome.why : outcome.kind;
  };

  it('a token names its user, and the role of an operator', async () => {
    await start();
    expect(await verifier.verify(await provider.token('auth0|kim'))).toMatchObject({ userId: 'auth0|kim', role: null });
    expect(await verifier.verify(await provider.token('lee@example.com'))).toMatchObject({
      userId: 'lee@example.com',
      role: 'operator',
    });
  });

  it('a new key is fetched with its first token, and an old one ends when it is withdrawn', async () => {
    await start();
    const [known, unseen] = [await provider.token('auth0|kim'), await provider.token('lee@example.com')];
    await provider.tell({ keys: [second, first] });
    expect(await judge(await provider.token('auth0|kim'))).toBe('auth0|kim');
    await provider.tell({ keys: [second] });
    await pass(299_000);
    expect(await judge(known)).toBe('auth0|kim');
    await pass(1_000);
    expect(await judge(unseen)).toBe('key');
    // Memory answers for a minute.
    expect(await judge(known)).toBe('auth0|kim');
  });

  it('a key that the provider does not publish opens nothing, and costs one call', async () => {
    await start();
    await provider.tell({ keys: [second] });
    const token = await provider.token('auth0|kim');
    await provider.tell({ keys: [first] });
    expect(await judge(token)).toBe('key');
    expect(await judge(token)).toBe('key');
    expect(await provider.tell({})).toBe(2);
  });

  it('a provider that is gone for ten minutes changes nothing for tokens of known keys', async () => {
    await start();
    // Its clock is ahead, so that this token outlives the ten minutes.
    await provider.tell({ clockOffsetMs: 600_000 });
    const token = await provider.token('auth0|kim');
    await provider.stop();
    await pass(660_000);
    expect(keys.trouble).toMatch(/ECONNREFUSED/);
    expect(await judge(token)).toBe('auth0|kim');
    await provider.start();
    await pass(30_000);
    expect(keys.trouble).toBeNull();
  });

  it('a provider that is gone at the start is waited for', async () => {
    const token = await provider.token('auth0|kim');
    await provider.stop();
    await start();
    expect(await judge(token)).toBe('keys-unavailable');
    await provider.start();
    await pass(1_000);
    expect(await judge(token)).toBe('auth0|kim');
  });

  it('a token of a new key is not refused for good while the provider is gone', async () => {
    await start();
    await provider.tell({ keys: [second, first] });
    const token = await provider.token('auth0|kim');
    await provider.stop();
    expect(await judge(token)).toBe('keys-unavailable');
    await provider.start();
    await pass(30_000);
    expect(await judge(token)).toBe('auth0|kim');
  });

  it('a slow provider holds nobody up whose key is known', async () => {
    await start();
    const known = await provider.token('auth0|kim');
    await provider.tell({ slow: true, keys: [second, first] });
    const unknown = await provider.token('lee@example.com');
    const answers: string[] = [];
    const late = judge(unknown).then((answer) => answers.push(answer));
    answers.push(await judge(known));
    await late;
    expect(answers).toEqual(['auth0|kim', 'keys-unavailable']);
    expect(keys.trouble).toMatch(/timed out/);
    await provider.tell({ slow: false });
    await pass(30_000);
    expect(await judge(unknown)).toBe('lee@example.com');
  });

  it('a provider that gives a key another name, or a name another key, opens nothing', async () => {
    const named = (kid: string, key = second) => JSON.stringify({ keys: [{ ...publicKeyOf(key), kid }] });
    await provider.tell({ jwks: named('first') });
    await start();
    const token = await provider.token('auth0|kim');
    expect(await judge(token)).toBe('signature');
    await provider.tell({ jwks: named('another', first) });
    await pass(300_000);
    // The provider says that the key has another name than the token does.
    expect(await judge(token)).toBe('key');
    await provider.tell({ jwks: null, clockOffsetMs: 330_000 });
    await pass(30_000);
    expect(await judge(await provider.token('auth0|kim'))).toBe('auth0|kim');
  });

  it('a new key under the name of the old one is fetched with its first token', async () => {
    await start();
    const old = await provider.token('auth0|kim');
    const secondAsFirst = { ...signingKey('second'), kid: 'first' };
    await provider.tell({ keys: [secondAsFirst] });
    const tokens = await Promise.all(['auth0|kim', 'lee@example.com'].map((user) => provider.token(user)));
    expect(await Promise.all(tokens.map(judge))).toEqual(['auth0|kim', 'lee@example.com']);
    // The keys of the start, and those that the first of the tokens asked for.
    expect(await provider.tell({})).toBe(2);
    for (let count = 0; count < 5; count++) expect(await judge(old)).toBe('signature');
    expect(await provider.tell({})).toBe(2);
  });

  it('a forged token costs one call to the provider in 30 s, and keeps nobody waiting whose key is known', async () => {
    await start();
    const [known, later] = [await provider.token('auth0|kim'), await provider.token('lee@example.com')];
    const forged = `${known.slice(0, -8)}AAAAAAAA`;
    await provider.tell({ slow: true });
    const answers: string[] = [];
    const late = judge(forged).then((answer) => answers.push(answer));
    answers.push(await judge(known), await judge(later));
    await late;
    expect(answers).toEqual(['auth0|kim', 'lee@example.com', 'signature']);
    await provider.tell({ slow: false });
    for (let count = 0; count < 5; count++) expect(await judge(forged)).toBe('signature');
    expect(await provider.tell({})).toBe(2);
  });

  it.each([31_000, -31_000])(
    'a clock that is %d ms off at the provider does not matter within a token’s time',
    async (offset) => {
      await start();
      await provider.tell({ clockOffsetMs: offset });
      expect(await judge(await provider.token('auth0|kim'))).toBe('auth0|kim');
    },
  );

  it('a token ends 30 s after its time by our clock', async () => {
    await start();
    const [early, late] = [await provider.token('auth0|kim'), await provider.token('lee@example.com')];
    await pass(329_000);
    expect(await judge(early)).toBe('auth0|kim');
    await pass(2_000);
    expect(await judge(late)).toBe('expired');
  });
});
