import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type JWK } from 'jose';
import { SetTimers } from '../../../../test/support/flow.js';
import { until } from '../../../../test/support/until.js';
import { KeysUnavailableError } from './issuer-keys.js';
import { RemoteKeys } from './remote-keys.js';

const ES256 = ['ES256'];
const keyNamed = (kid: string): JWK => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...(publicKey.export({ format: 'jwk' }) as JWK), kid };
};

/** What the provider answers, and how often it was asked. */
let answer: (response: ServerResponse) => void;
let asked: number;
let server: Server;
let url: string;
let timers: SetTimers;
let keys: RemoteKeys;

const set = (...names: string[]) => sends(JSON.stringify({ keys: names.map(keyNamed) }));
const sends =
  (body: string, status = 200, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

beforeAll(async () => {
  server = createServer((_request, response) => {
    asked += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs?tenant=secret`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  asked = 0;
  timers = new SetTimers();
  keys = new RemoteKeys(url, ES256, timers.clock, timers);
});
afterEach(() => keys.stop());

const find = (kid?: string) => keys.find({ alg: 'ES256', ...(kid === undefined ? {} : { kid }) });
/** Lets time pass, and waits for the fetch that it brings. */
async function passWithFetch(ms: number): Promise<void> {
  const before = asked;
  await timers.pass(ms);
  await until('the provider is asked', () => asked > before);
  await until('the next fetch is planned', () => timers.size === 1);
}
async function start(): Promise<void> {
  keys.start();
  await until('the first fetch has ended', () => timers.size === 1);
}

describe('the keys of a provider', () => {
  it('are fetched at the start, and a call meanwhile waits for them', async () => {
    answer = set('a');
    keys.start();
    expect(keys.trouble).toMatch(/not fetched yet/);
    expect(await find('a')).toHaveLength(1);
    expect([keys.trouble, keys.size, asked]).toEqual([null, 1, 1]);
  });

  it('are found for a token without a name, all of them', async () => {
    answer = set('a', 'b', 'c', 'd', 'e');
    await start();
    expect(await find()).toHaveLength(4);
    expect(asked).toBe(1);
  });

  it.each([undefined, 'a'])('are fetched once in 30 s where none suits the algorithm for the name %s', async (kid) => {
    answer = set('a');
    await start();
    const header = { alg: 'ES384', ...(kid === undefined ? {} : { kid }) };
    for (let count = 0; count < 50; count++) expect(await keys.find(header)).toEqual([]);
    expect(asked).toBe(2);
  });

  it('are fetched once in 30 s for wrong signatures, which do not stand in the way of an unknown name', async () => {
    answer = set('a');
    await start();
    const { generation } = keys;
    await Promise.all(Array.from({ length: 50 }, () => keys.renew()));
    expect([asked, keys.generation]).toEqual([2, generation + 1]);
    await timers.pass(29_999);
    await keys.renew();
    expect(asked).toBe(2);
    answer = set('a', 'b');
    expect(await find('b')).toHaveLength(1);
    expect([asked, keys.generation]).toEqual([3, generation + 2]);
    answer = sends('', 500);
    await timers.pass(1);
    await keys.renew();
    expect([asked, keys.generation]).toEqual([4, generation + 2]);
  });

  it('are fetched again every five minutes', async () => {
    answer = set('a');
    await start();
    answer = set('b');
    await timers.pass(299_000);
    expect(asked).toBe(1);
    await passWithFetch(1_000);
    expect(await find('b')).toHaveLength(1);
    expect(asked).toBe(2);
  });

  it('are fetched once for an unknown name, whatever number of callers shows it', async () => {
    answer = set('a');
    await start();
    answer = set('a', 'b');
    const found = await Promise.all(Array.from({ length: 50 }, () => find('b')));
    expect(found.every((one) => one.length === 1)).toBe(true);
    expect(asked).toBe(2);
  });

  it('are fetched once in 30 s for unknown names', async () => {
    answer = set('a');
    await start();
    for (let count = 0; count < 50; count++) expect(await find(`unknown-${count}`)).toEqual([]);
    expect(asked).toBe(2);
    await timers.pass(29_999);
    expect(await find('unknown')).toEqual([]);
    expect(asked).toBe(2);
    await timers.pass(1);
    expect(await find('unknown')).toEqual([]);
    expect(asked).toBe(3);
  });

  it('are fetched once in 30 s for unknown names also while the provider is away', async () => {
    answer = set('a');
    await start();
    answer = sends('', 500);
    for (let count = 0; count < 50; count++) {
      await expect(find(`unknown-${count}`)).rejects.toThrow(KeysUnavailableError);
    }
    expect(asked).toBe(2);
    expect(keys.trouble).toBe(
      `the keys of ${url.slice(0, url.indexOf('?'))} cannot be fetched: Expected 200 OK from the JSON Web Key Set HTTP response`,
    );
  });

  it('stay in force while the provider is away, for an hour too', async () => {
    answer = set('a');
    await start();
    answer = (response) => void response.destroy();
    for (let minutes = 0; minutes < 60; minutes += 5) await passWithFetch(300_000);
    expect(await find('a')).toHaveLength(1);
    expect(keys.trouble).not.toBeNull();
    answer = set('b');
    await passWithFetch(30_000);
    expect(keys.trouble).toBeNull();
    expect(await find('b')).toHaveLength(1);
  });

  it('are asked for again after 1, 2, 4, 8, 16 and then every 30 s when the provider was away at the start', async () => {
    answer = sends('', 503);
    await start();
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      const before = asked;
      await timers.pass(seconds * 1_000 - 1);
      expect(asked).toBe(before);
      await passWithFetch(1);
      await expect(find('a')).rejects.toThrow(KeysUnavailableError);
    }
    answer = set('a');
    await passWithFetch(30_000);
    expect(await find('a')).toHaveLength(1);
  });

  it.each([
    ['an answer that is no JSON', sends('<html>')],
    ['another document', sends('{"keys":"none"}')],
    ['a set without keys', sends('{"keys":[]}')],
    ['keys for other algorithms only', sends(JSON.stringify({ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] }))],
    ['a redirect', sends('', 302, { location: '/elsewhere' })],
    ['an answer without end', (response: ServerResponse) => void response.writeHead(200).end('x'.repeat(300_000))],
  ])('stay in force after %s', async (_what, bad) => {
    answer = set('a');
    await start();
    answer = bad;
    await passWithFetch(300_000);
    expect(keys.trouble).not.toBeNull();
    expect(await find('a')).toHaveLength(1);
    expect(asked).toBe(2);
  });

  it('are not fetched for the names of tokens where none of them has one', async () => {
    const { kid: _kid, ...key } = keyNamed('a');
    answer = sends(JSON.stringify({ keys: [key] }));
    await start();
    expect(await find('a')).toHaveLength(1);
    expect(asked).toBe(1);
  });

  it('are warned about once where there are more than are used', async () => {
    const lines: unknown[] = [];
    Logger.overrideLogger({ log: () => undefined, error: () => undefined, warn: (line) => void lines.push(line) });
    try {
      answer = set(...Array.from({ length: 33 }, (_none, index) => `${index}`));
      await start();
      await passWithFetch(300_000);
    } finally {
      Logger.overrideLogger(false);
    }
    expect(lines).toEqual([expect.stringContaining('only the first 32 of 33 keys are used')]);
  });

  it('are given up after two seconds', async () => {
    answer = () => undefined;
    keys.start();
    await until('the fetch is given up', () => timers.size === 1);
    expect(keys.trouble).toMatch(/request timed out/);
  });

  it('are not fetched after the end', async () => {
    answer = set('a');
    await start();
    keys.stop();
    await timers.pass(3_600_000);
    expect(asked).toBe(1);
  });
});
