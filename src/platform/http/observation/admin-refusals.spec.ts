import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AdminRefusals } from './admin-refusals.js';

describe('refused admin calls', () => {
  let now: number;
  let lines: { address: string; unsaid: number; message: string; route: string; path?: string }[];
  let refusals: AdminRefusals;

  beforeEach(() => {
    now = 0;
    lines = [];
    refusals = new AdminRefusals(() => now);
    Logger.overrideLogger({ log: () => undefined, error: () => undefined, warn: (line) => void lines.push(line) });
  });
  afterEach(() => Logger.overrideLogger(false));

  const refuse = (ip: string, url = '/api/admin/x', authorization?: string, route = url) =>
    refusals.record({
      ip,
      raw: { socket: { remoteAddress: ip } } as never,
      method: 'GET',
      url,
      routeOptions: { url: route } as never,
      id: 'r',
      headers: authorization === undefined ? {} : { authorization },
    });

  it('are logged once a minute for each address, with the number that was not logged', () => {
    for (let n = 0; n < 5; n++) refuse('a');
    refuse('b');
    now = 60_000;
    refuse('a');
    expect(lines.map(({ address, unsaid }) => [address, unsaid])).toEqual([
      ['a', 0],
      ['b', 0],
      ['a', 4],
    ]);
  });

  it('are not those of users without a token or with an expired one, but wrong keys are counted everywhere', () => {
    refuse('a', '/api/coupons/apply');
    refuse('a', '/api/coupons/apply', 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.AA');
    expect(lines).toEqual([]);
    refuse('a', '/api/coupons/apply', 'Bearer cpn_issuer_x');
    expect(lines).toHaveLength(1);
  });

  it('are not those of a page that asks whether its browser is signed in', async () => {
    const registry = new Registry();
    refusals.exportTo(registry);
    refuse('a', '/api/admin/session');
    expect(lines).toEqual([]);
    expect(await registry.metrics()).toContain('coupon_admin_refusals_total{reason="no_token"} 0');
    refuse('a', '/api/admin/session', 'Bearer wrong');
    expect(lines).toHaveLength(1);
  });

  it('are counted and logged also where the credential was not looked at', async () => {
    const registry = new Registry();
    refusals.exportTo(registry);
    expect(await registry.metrics()).toContain('coupon_admin_refusals_total{reason="slowed"} 0');
    const raw = { socket: { remoteAddress: 'a' } } as never;
    const request = {
      ip: 'a',
      raw,
      method: 'GET',
      url: '/api/users/kim/coupons',
      id: 'r',
      headers: { authorization: 'Bearer x' },
    };
    refusals.record({ ...request, routeOptions: { url: '/api/users/:userId/coupons' } as never }, 'slowed');
    expect(lines).toEqual([expect.objectContaining({ reason: 'slowed', message: 'a credential was refused' })]);
    expect(await registry.metrics()).toContain('coupon_admin_refusals_total{reason="slowed"} 1');
  });

  it('name the user of a path of the drop nowhere, and of an admin call the path', () => {
    const basic = 'Basic a2ltOng=';
    refuse('a', '/api/users/kim@example.com/coupons?x=1', basic, '/api/users/:userId/coupons');
    refuse('b', '/api/admin/keys/01J0?x=1', basic, '/api/admin/keys/:id');
    expect(JSON.stringify(lines[0])).not.toContain('kim@example.com');
    expect(lines).toEqual([
      expect.objectContaining({ message: 'a credential was refused', route: '/api/users/:userId/coupons' }),
      expect.objectContaining({ message: 'an admin call was refused', path: '/api/admin/keys/01J0' }),
    ]);
  });

  it('take no more memory and cause no more lines beyond a number of addresses', () => {
    for (let n = 0; n < 5_000; n++) refuse(`address-${n}`);
    // The last one is the first that found no place.
    expect(lines).toHaveLength(1_001);
    refuse('address-0');
    refuse('another');
    expect(lines).toHaveLength(1_001);
    now = 60_000;
    refuse('another');
    expect(lines.at(-1)).toMatchObject({ address: 'another', unsaid: 0 });
  });
});
