import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { fastify } from 'fastify';
import { type TrustedProxies } from '../../config/variables.js';
import { CallerAddresses, trustOf } from './caller-address.js';

let now: number;
let lines: string[];
let addresses: CallerAddresses;

beforeEach(() => {
  now = 0;
  lines = [];
  addresses = new CallerAddresses(() => now);
  Logger.overrideLogger({ log: () => undefined, error: () => undefined, warn: (line) => void lines.push(line) });
});
afterEach(() => Logger.overrideLogger(false));

/** The address of a caller whose request comes from `remoteAddress` with this X-Forwarded-For. */
async function addressOf(proxies: TrustedProxies, forwarded: string, remoteAddress = '10.0.0.1'): Promise<string> {
  const app = fastify({ trustProxy: trustOf(proxies) });
  app.get('/', (request) => addresses.of(request));
  const { body } = await app.inject({ url: '/', remoteAddress, headers: { 'x-forwarded-for': forwarded } });
  await app.close();
  return body;
}

describe('the address of a caller behind a proxy', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:51234', '2001:db8::7'],
    ['198.51.100.1:80, 203.0.113.7:51234', '203.0.113.7'],
  ])('that writes %s is %s', async (forwarded, address) => {
    expect(await addressOf(1, forwarded)).toBe(address);
    expect(lines).toEqual([]);
  });

  it.each([
    'unknown',
    '_hidden',
    '203.0.113',
    '203.0.113.256:80',
    '203.0.113.7:port',
    '203.0.113.7:123456',
    '[203.0.113.7]:80',
    '[2001:db8::7',
    '[2001:db8::7]x',
    '[2001:db8::7%eth0]:80',
    'fe80::1%eth0',
  ])('that writes %s is the proxy’s', async (forwarded) => {
    expect(await addressOf(1, forwarded)).toBe('10.0.0.1');
    expect(lines).toHaveLength(1);
  });

  it('is found behind proxies that all write ports', async () => {
    const networks = ['10.0.0.0/8', 'fd00::/8'];
    expect(await addressOf(networks, '198.51.100.9, 203.0.113.7:51234, [fd00::2]:443, 10.0.0.2:8080')).toBe(
      '203.0.113.7',
    );
    expect(await addressOf(networks, '203.0.113.7, unknown')).toBe('10.0.0.1');
  });

  it('is the connection’s where nobody trusts the header', async () => {
    for (const [proxies, from] of [
      [null, '10.0.0.1'],
      [['10.0.0.0/8'], '192.0.2.1'],
      [['10.0.0.2'], '10.0.0.1'],
      [['2001:db8::/32'], '::ffff:10.0.0.1'],
      [null, 'fe80::1%eth0'],
    ] as const) {
      expect(await addressOf(proxies, '203.0.113.7', from)).toBe(from);
    }
    expect(await addressOf(['10.0.0.1'], '203.0.113.7', '::ffff:10.0.0.1')).toBe('203.0.113.7');
    expect(await addressOf(['fe80::/10'], '203.0.113.7', 'fe80::1%eth0')).toBe('203.0.113.7');
    expect(lines).toEqual([]);
  });
});

describe('a trusted header without an address', () => {
  it('is told once a minute, without what it holds', async () => {
    for (let count = 0; count < 3; count++) await addressOf(1, 'alice@example.com');
    expect(lines).toEqual([expect.stringContaining('10.0.0.1')]);
    expect(lines[0]).not.toContain('alice');
    now = 59_999;
    await addressOf(1, 'unknown');
    expect(lines).toHaveLength(1);
    now = 60_000;
    await addressOf(1, 'unknown');
    expect(lines).toHaveLength(2);
  });

  it('is not meant where the connection has ended, and so has no address', () => {
    expect(addresses.of({ ip: undefined as never, raw: { socket: {} } as never })).toBe('unknown');
    expect(lines).toEqual([]);
  });
});
