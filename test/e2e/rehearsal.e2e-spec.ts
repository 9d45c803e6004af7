import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Child, startChild } from '../support/child-process.js';
import { Client } from '../support/client.js';
import { LyingProxy, type PassingAnswer } from '../support/lying-proxy.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

const COMMAND = new URL('../../rehearsal/rehearse.ts', import.meta.url);
const CLAIM = '/api/coupons/apply';

describe('npm run rehearse', () => {
  let service: Service;
  let out: string;
  let running: Child | undefined;

  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.stop());
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'coupon-rehearsal-'));
  });
  afterEach(async () => {
    if (running?.process.exitCode === null && running.process.signalCode === null) await running.kill('SIGKILL');
    rmSync(out, { recursive: true, force: true });
  });

  const start = (...args: string[]) => {
    running = startChild(COMMAND, ['--token', ADMIN_TOKEN, '--out', out, '--seed', '7', '--lang', 'en', ...args]);
    return running;
  };
  const run = async (...args: string[]) => {
    const child = start(...args);
    const [code] = (await once(child.process, 'close')) as [number | null];
    return { code, text: child.lines().join('\n'), errors: child.errors() };
  };
  const certificate = () => JSON.parse(readFileSync(join(out, 'certificate.json'), 'utf8'));
  const page = () => readFileSync(join(out, 'certificate.html'), 'utf8');
  const broken = () =>
    certificate()
      .promises.filter(({ state }: { state: string }) => state === 'broken')
      .map(({ id }: { id: string }) => id);

  it('takes 2,000 users through a whole drop, and certifies that every promise was kept', async () => {
    const { code, text, errors } = await run(
      ...['--url', service.url, '--users', '2000', '--total', '500', '--arrival', 'ramp', '--duration', '2'],
      ...['--duplicates', '10%', '--slow-clients', '1%', '--hang-ups', '1%'],
    );
    expect({ code, errors, text }).toMatchObject({ code: 0, errors: '' });
    expect(text).toContain('every promise was kept');
    const report = certificate();
    expect(report).toMatchObject({
      brokenOff: null,
      verdict: 'kept',
      seed: 7,
      campaign: { total: 500, made: true },
      service: { version: expect.stringMatching(/^\d+\.\d+/), profile: expect.stringMatching(/embedded|distributed/) },
      figures: { coupons: 500 },
    });
    expect(report.figures.users).toBe(2_000);
    expect(
      report.promises.every(
        ({ state, checked }: { state: string; checked: number }) => state === 'kept' && checked > 0,
      ),
    ).toBe(true);
    expect(report.timeline.rows.length).toBeGreaterThan(5);
    expect(page()).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page()).toContain('Every promise was kept');
    // It loads nothing from anywhere.
    expect(page()).not.toMatch(/<(?:script|link|img|iframe)\b|url\(|@import|\bhref=|\bsrc=/);
    expect(JSON.stringify(report) + page()).not.toContain(ADMIN_TOKEN);
    // Its campaign does not stay open.
    const { body } = await new Client(service.url).get(`/api/campaigns/${report.campaign.id}`);
    expect(body.state).toBe('CLOSED');
  });

  it('rehearses a campaign that is open already, and counts what was issued before', async () => {
    const client = new Client(service.url);
    const campaign = await client.createCampaign(60);
    for (const user of ['earlier-1', 'earlier-2']) await client.claim(user, campaign);
    const { code, text } = await run('--url', service.url, '--campaign', campaign, '--users', '100', '--lang', 'ko');
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(certificate()).toMatchObject({ campaign: { id: campaign, made: false }, figures: { coupons: 60 } });
    expect(page()).toContain('<html lang="ko">');
    expect((await client.get(`/api/campaigns/${campaign}`)).body.state).toBe('OPEN');
  });

  describe('catches a service that lies', () => {
    const lies: Record<string, [promise: string, lie: (answer: PassingAnswer) => Partial<PassingAnswer> | null]> = {
      'a 409 becomes a 202': [
        'becomes-coupon',
        ({ path, status, body }) => {
          if (path !== CLAIM || status !== 409 || !body.includes('sold-out')) return null;
          const claim = { claimId: '01M83QDZMNRJQPX8NCTA98Z45X', sequence: 1_000, claimedAt: new Date().toISOString() };
          return { status: 202, body: JSON.stringify({ status: 'success', ...claim }) };
        },
      ],
      'a coupon is missing': [
        'becomes-coupon',
        ({ path, body }) =>
          path.endsWith('/coupons.ndjson') && body !== '' ? { body: body.slice(body.indexOf('\n') + 1) } : null,
      ],
      'two callers are told each other’s sequence': [
        'told-is-stored',
        ({ path, status, body }) => {
          if (path !== CLAIM || status !== 202 || !/"sequence":[12],/.test(body)) return null;
          return { body: body.replace(/"sequence":([12]),/, (_all, one) => `"sequence":${3 - Number(one)},`) };
        },
      ],
      'sold out is said too early': [
        'refusals-true',
        ({ path, status }) =>
          path === CLAIM && status === 202 ? { status: 409, body: '{"code":"sold-out","final":true}' } : null,
      ],
    };

    it.each(Object.keys(lies))('%s', async (what) => {
      const [promise, lie] = lies[what]!;
      const proxy = await LyingProxy.start(service.url, lie);
      try {
        const { code, text } = await run('--url', proxy.url, '--users', '300', '--total', '50', '--deadline', '3');
        expect({ code, text }).toMatchObject({ code: 1 });
        expect(proxy.lies).toBeGreaterThan(0);
        expect(text).toContain('A PROMISE WAS BROKEN');
        expect(broken()).toContain(promise);
        expect(certificate().verdict).toBe('broken');
        expect(page()).toContain('A promise was broken');
      } finally {
        await proxy.stop();
      }
    });
  });

  it('makes a certificate of what there is on Ctrl-C, which says so in its first line', async () => {
    const child = start(
      '--url',
      service.url,
      '--users',
      '60000',
      '--total',
      '100',
      '--arrival',
      'steady',
      '--duration',
      '600',
    );
    await until('a line of progress', () => child.lines().some((line) => / 202 \d/.test(line)));
    child.process.kill('SIGINT');
    const [code] = (await once(child.process, 'close')) as [number | null];
    expect({ code, text: child.lines().join('\n') }).toMatchObject({ code: 130 });
    expect(certificate().brokenOff).toMatchObject({
      during: 'load',
      note: expect.stringMatching(/^broken off after [\d.]+ s: not all/),
    });
    expect(child.lines().join('\n')).toContain('no promise was broken until then');
    expect(Object.keys(certificate())[0]).toBe('brokenOff');
    expect(page().split('\n')[0]).toMatch(/Broken off after [\d.]+ s: not all calls were made/);
    expect(page()).toMatch(/<body>\s*<p class="broken-off">Broken off after /);
    expect(broken()).toEqual([]);
  });

  it.each([
    ['another machine', ['--url', 'http://192.0.2.7:3000'], '192.0.2.7 (192.0.2.7) is not this machine'],
    ['another machine for operators', ['--admin-url', 'http://192.0.2.7:3000'], '--i-own-this'],
    ['nothing', ['--url', 'http://127.0.0.1:9'], 'no service answers on http://127.0.0.1:9/'],
    ['an option that does not exist', ['--usres', '5'], '--usres'],
  ])('does not begin against %s', async (_what, args, why) => {
    const { code, errors } = await run(...args);
    expect(code).toBe(2);
    expect(errors).toContain(why);
  });

  it('does not begin with a wrong token, or on a campaign that is not open', async () => {
    const wrong = await run('--url', service.url, '--token', 'wrong-token-of-the-rehearsal');
    expect(wrong).toMatchObject({ code: 2, errors: expect.stringContaining('does not know the token') });
    const client = new Client(service.url);
    const campaign = await client.createCampaign(5);
    await client.admin('POST', `/api/admin/campaigns/${campaign}/pause`);
    const paused = await run('--url', service.url, '--campaign', campaign);
    expect(paused).toMatchObject({ code: 2, errors: expect.stringContaining('is PAUSED') });
  });
});

describe('npm run rehearse, where a server claims for its users', () => {
  it('claims with an API key', async () => {
    const service = await startService({ IDENTITY: 'key' });
    const out = mkdtempSync(join(tmpdir(), 'coupon-rehearsal-'));
    const run = async (...args: string[]) => {
      const given = ['--url', service.url, '--token', ADMIN_TOKEN, '--out', out, '--users', '200', '--total', '50'];
      const child = startChild(COMMAND, [...given, ...args]);
      const [code] = (await once(child.process, 'close')) as [number | null];
      return { code, text: child.lines().join('\n'), errors: child.errors() };
    };
    try {
      expect(await run()).toMatchObject({ code: 2, errors: expect.stringContaining('--key') });
      const { body } = await new Client(service.url).admin('POST', '/api/admin/keys', {
        body: { name: 'rehearsal', role: 'issuer' },
      });
      expect(await run('--key', body.key)).toMatchObject({ code: 0, errors: '' });
      expect(readFileSync(join(out, 'certificate.json'), 'utf8')).not.toContain(body.key);
    } finally {
      await service.stop();
      rmSync(out, { recursive: true, force: true });
    }
  });
});
