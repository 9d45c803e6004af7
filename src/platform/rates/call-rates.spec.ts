import { describe, expect, it } from '@jest/globals';
import { type FastifyRequest } from 'fastify';
import { parseEnv } from '../config/env.js';
import { type Source } from '../config/variables.js';
import { Clock } from '../flow/clock.js';
import { SystemEntropy } from '../flow/entropy.js';
import { MetricsRegistry } from '../metrics/metrics-registry.js';
import { CallRates } from './call-rates.js';
import { EarlyRefusals } from './early-refusals.metrics.js';

class StandingClock extends Clock {
  ms = 1_000;

  override monotonic(): number {
    return this.ms;
  }

  override wall(): number {
    return 0;
  }
}

function ratesOf(source: Source) {
  const clock = new StandingClock();
  const registry = new MetricsRegistry();
  const rates = new CallRates(parseEnv(source), clock, new SystemEntropy(), new EarlyRefusals(registry));
  const refused = async (reason: string) =>
    (await registry.getSingleMetric('coupon_refused_early_total')?.get())?.values.find(
      ({ labels }) => labels['reason'] === reason,
    )?.value;
  return { rates, clock, refused };
}

const from = (ip: string): FastifyRequest => ({ ip, raw: { socket: { remoteAddress: ip } } }) as FastifyRequest;

describe('the limits of claims', () => {
  it('refuse nothing and keep nothing when none is set', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const { rates, refused } = ratesOf({});
    for (let call = 0; call < 10_000; call++) {
      expect(rates.checkAddress(from('203.0.113.7')) ?? rates.checkUser('ada')).toBeNull();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
    expect(await refused('user')).toBe(0);
  });

  it('tell a user over the limit when to come back, and what the limit is', async () => {
    const { rates, clock, refused } = ratesOf({ RATE_LIMIT_USER: '3/10s' });
    for (let call = 0; call < 3; call++) expect(rates.checkUser('ada')).toBeNull();
    expect(rates.checkUser('ada')).toEqual({
      code: 'too-many-requests',
      headers: { 'retry-after': '4', ratelimit: '"user";r=0;t=4', 'ratelimit-policy': '"user";q=3;w=10' },
    });
    expect(rates.checkUser('bob')).toBeNull();
    clock.ms += 4_000;
    expect(rates.checkUser('ada')).toBeNull();
    expect(rates.checkUser('ada')?.headers['retry-after']).toBe('3');
    expect([await refused('user'), await refused('address'), await refused('total')]).toEqual([2, 0, 0]);
  });

  it('count an IPv4 address by itself, also when it comes as an IPv6 one, and an IPv6 address by its /64', async () => {
    const { rates, refused } = ratesOf({ RATE_LIMIT_IP: '1/1h' });
    expect(rates.checkAddress(from('203.0.113.7'))).toBeNull();
    expect(rates.checkAddress(from('203.0.113.8'))).toBeNull();
    expect(rates.checkAddress(from('::ffff:203.0.113.7'))?.headers).toEqual({
      'retry-after': '3600',
      ratelimit: '"address";r=0;t=3600',
      'ratelimit-policy': '"address";q=1;w=3600',
    });
    expect(rates.checkAddress(from('2001:db8::1'))).toBeNull();
    expect(rates.checkAddress(from('2001:db8::ffff:2'))?.code).toBe('too-many-requests');
    expect(rates.checkAddress(from('2001:db8:0:1::1'))).toBeNull();
    expect(await refused('address')).toBe(2);
  });

  it('send a crowd over the total away for 1, 2 or 3 s, at random', async () => {
    const { rates, clock, refused } = ratesOf({ RATE_LIMIT_TOTAL: '100' });
    const waits = new Map<string | undefined, number>();
    for (let call = 0; call < 3_000; call++) {
      const refusal = rates.checkUser(`user-${call}`);
      if (refusal === null) continue;
      expect([refusal.code, Object.keys(refusal.headers)]).toEqual(['busy', ['retry-after']]);
      const wait = refusal.headers['retry-after'];
      waits.set(wait, (waits.get(wait) ?? 0) + 1);
    }
    expect([...waits.keys()].sort()).toEqual(['1', '2', '3']);
    for (const times of waits.values()) expect(times).toBeGreaterThan(500);
    expect(await refused('total')).toBe(3_000 - 11);
    clock.ms += 1_000;
    expect(rates.checkUser('late')).toBeNull();
  });

  it('take nothing of the total for a claim that its user is over', () => {
    const { rates, clock } = ratesOf({ RATE_LIMIT_USER: '1/1h', RATE_LIMIT_TOTAL: '10' });
    for (let call = 0; call < 1_000; call++) {
      const { code } = rates.checkUser('flood') ?? {};
      expect(code).toBe(call === 0 ? undefined : 'too-many-requests');
    }
    clock.ms += 100;
    expect(rates.checkUser('ada')).toBeNull();
  });
});
