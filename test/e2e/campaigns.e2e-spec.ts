import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { GateTimeoutError, GateUnavailableError } from '../../src/ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../src/ports/gate/unwatched-gate.js';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const HOUR = 3_600_000;
const at = (offset: number) => new Date(Date.now() + offset).toISOString();

describe('campaigns', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
  });
  afterAll(() => service.stop());

  const read = (id: string) => client.get(`/api/campaigns/${id}`);
  /** Another api shows a change within a second. */
  const shows = (id: string, expected: Record<string, unknown>) =>
    eventually(async () => expect((await read(id)).body).toMatchObject(expected));
  const act = (id: string, action: string) => client.admin('POST', `/api/admin/campaigns/${id}/${action}`);
  const patch = (id: string, body: unknown, ifMatch?: string) =>
    client.admin('PATCH', `/api/admin/campaigns/${id}`, ifMatch === undefined ? { body } : { body, ifMatch });

  it('are stored and open at the gate in one call', async () => {
    const created = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: '봄맞이 쿠폰', total: 3, startsAt: at(-HOUR), endsAt: at(HOUR) },
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.headers.get('location')).toBe(`/api/campaigns/${created.body.id}`);
    expect(created.body).toMatchObject({ name: '봄맞이 쿠폰', total: 3, remaining: 3, state: 'OPEN', version: 1 });
    expect((await client.claim('first', created.body.id)).status).toBe(202);
    const found = await read(created.body.id);
    expect(found.body).toEqual({ ...created.body, remaining: 2 });
    expect(found.headers.get('etag')).toBe('"1"');
  });

  describe('made with an Idempotency-Key', () => {
    const make = (key: string, body: unknown = { name: '점심 쿠폰', total: 5, endsAt: '2099-12-31T18:00+09:00' }) =>
      client.admin('POST', '/api/admin/campaigns', { body, headers: { 'idempotency-key': key } });
    const said = ({ status, headers, body }: Answer) => ({
      status,
      body,
      etag: headers.get('etag'),
      location: headers.get('location'),
    });

    it('are made once, and the first answer comes again as it was', async () => {
      const first = await make('once');
      expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
      const { id } = first.body;
      await client.claim('somebody', id);
      await patch(id, { name: 'another name', total: 9 }, '*');
      await act(id, 'close');
      const again = await make('once');
      expect(said(again)).toEqual(said(first));
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      await shows(id, { name: 'another name', version: 3, state: 'CLOSED' });
      // The same instant in another spelling is the same request.
      const spelt = await make('once', { endsAt: '2099-12-31T09:00:00.000Z', total: 5, name: '점심 쿠폰' });
      expect(said(spelt)).toEqual(said(first));
    });

    it('are one campaign for callers at the same time, whichever process they ask', async () => {
      const answers = await inParallel([...Array(20).keys()], 20, () => make('at-once'));
      expect(tally(answers.map(({ status }) => status))).toEqual({ 201: 20 });
      expect(new Set(answers.map((answer) => JSON.stringify(said(answer)))).size).toBe(1);
      const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
      expect(replayed).toHaveLength(19);
    });

    it('are refused when the key was for another one', async () => {
      const first = await make('taken');
      for (const change of [{ name: '저녁 쿠폰' }, { total: 6 }, { endsAt: null }, { startsAt: at(HOUR) }]) {
        const { name, total, endsAt } = first.body;
        const other = await make('taken', { name, total, endsAt, ...change });
        expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
      }
      expect(said(await make('taken'))).toEqual(said(first));
    });

    it('are not made if the key is invalid or the request is refused', async () => {
      for (const key of ['x'.repeat(256), 'é']) {
        const { status, body } = await make(key);
        expect([status, body.code]).toEqual([400, 'invalid-idempotency-key']);
      }
      expect((await make('refused-first', { name: '', total: 5 })).status).toBe(400);
      expect((await make('refused-first')).headers.get('idempotent-replayed')).toBeNull();
    });
  });

  it.each([
    ['seconds', { startsAt: '2026-01-01T12:00+09:00' }, { startsAt: '2026-01-01T03:00:00.000Z' }],
    ['a fraction', { startsAt: '2026-01-01T12:00:00.5Z' }, { startsAt: '2026-01-01T12:00:00.500Z' }],
    ['an end', { endsAt: '2099-12-01T12:00-00:30' }, { endsAt: '2099-12-01T12:30:00.000Z' }],
  ])('may say instants with or without seconds: %s', async (_what, window, expected) => {
    const { status, body } = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: 'n', total: 1, ...window },
    });
    expect([status, body]).toMatchObject([201, expected]);
  });

  it.each([
    ['no time zone', { startsAt: '2026-03-01T00:00:00' }, '/startsAt', /^Has no time zone/],
    ['no such day', { startsAt: '2026-02-30T00:00Z' }, '/startsAt', /^Names a day that does not exist/],
    ['no such hour', { endsAt: '2099-01-01T25:00Z' }, '/endsAt', /^Names a time of day/],
    ['no such offset', { endsAt: '2099-01-01T12:00+24:00' }, '/endsAt', /^Has a time zone that does not exist/],
    ['a year long ago', { startsAt: '1969-12-31T00:00:00Z' }, '/startsAt', /^Lies in the past, before 1970/],
    ['a year far ahead', { endsAt: '10000-01-01T00:00:00Z' }, '/endsAt', /^Lies after the year 9999/],
    ['an end in the past', { endsAt: '2020-01-01T00:00+09:00' }, '/endsAt', /^Has already passed/],
    ['a window in the past', { startsAt: at(-2 * HOUR), endsAt: at(-HOUR) }, '/endsAt', /^Has already passed/],
    [
      'an end before the start',
      { startsAt: at(2 * HOUR), endsAt: at(HOUR) },
      '/endsAt',
      /^Must be later than the start/,
    ],
    ['no instant', { startsAt: 'noon' }, '/startsAt', /^Must be an ISO 8601 text/],
  ])('are told the very fault of an instant: %s', async (_what, window, pointer, detail) => {
    const { status, body } = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: 'n', total: 1, ...window },
      headers: { 'accept-language': 'en' },
    });
    expect([status, body.errors]).toEqual([400, [{ in: 'body', pointer, detail: expect.stringMatching(detail) }]]);
  });

  it('start now and never end unless told otherwise', async () => {
    const id = await client.createCampaign(1);
    const { body } = await read(id);
    expect(Math.abs(Date.parse(body.startsAt) - Date.now())).toBeLessThan(60_000);
    expect(body.endsAt).toBeNull();
  });

  it('refuse claims before the start and after the end', async () => {
    const startsAt = at(HOUR);
    const scheduled = await client.createCampaign(1, { startsAt });
    await shows(scheduled, { state: 'SCHEDULED' });
    const early = await client.claim('u', scheduled);
    expect(early.status).toBe(409);
    expect(early.body).toMatchObject({ code: 'campaign-not-started', startsAt });

    const ended = await client.createCampaign(1, { startsAt: at(-2 * HOUR), endsAt: at(HOUR) });
    await patch(ended, { endsAt: at(-HOUR) }, '*');
    await shows(ended, { state: 'ENDED' });
    expect((await client.claim('u', ended)).body.code).toBe('campaign-ended');
  });

  it('can be paused and resumed, and answer a repeated call with success', async () => {
    const id = await client.createCampaign(5);
    for (const version of ['"2"', '"2"']) {
      const paused = await act(id, 'pause');
      expect([paused.status, paused.body.state, paused.headers.get('etag')]).toEqual([200, 'PAUSED', version]);
    }
    expect((await client.claim('u', id)).body.code).toBe('campaign-paused');
    const resumed = await act(id, 'resume');
    expect([resumed.body.state, resumed.body.version]).toEqual(['OPEN', 3]);
    expect((await client.claim('u', id)).status).toBe(202);
  });

  describe('whose change the gate does not take', () => {
    afterEach(() => void jest.restoreAllMocks());
    const gateRefuses = (error: Error) => {
      for (const app of service.apps) jest.spyOn(app.get(UnwatchedGate), 'changeTerms').mockRejectedValue(error);
    };

    it.each(['pause', 'resume', 'close'])(
      'do not answer a %s with success: 503 and the real state, until the gate has the change',
      async (action) => {
        const id = await client.createCampaign(5);
        if (action === 'resume') await act(id, 'pause');
        const version = action === 'resume' ? 3 : 2;
        gateRefuses(new GateUnavailableError('SELECT secret'));
        const refused = await act(id, action);
        expect(refused.status).toBe(503);
        expect(refused.body).toMatchObject({ code: 'gate-not-told', stored: true, gate: 'refused', version });
        expect(refused.headers.get('retry-after')).toBe('3');
        expect(refused.headers.get('etag')).toBe(`"${version}"`);
        expect(JSON.stringify(refused.body)).not.toContain('secret');
        jest.restoreAllMocks();
        const done = await act(id, action);
        expect([done.status, done.headers.get('etag')]).toEqual([200, `"${version}"`]);
        expect((await client.claim('u', id)).status).toBe(action === 'resume' ? 202 : 409);
      },
    );

    it('say whether a change of total or window is stored, and give its version', async () => {
      const id = await client.createCampaign(5);
      gateRefuses(new GateTimeoutError('late'));
      const lowered = await patch(id, { total: 3 }, '"1"');
      expect([lowered.status, lowered.headers.get('etag')]).toEqual([503, null]);
      expect(lowered.body).toMatchObject({ code: 'gate-not-told', stored: false, gate: 'unknown' });
      expect(lowered.body).not.toHaveProperty('version');
      await shows(id, { total: 5, version: 1 });
      const raised = await patch(id, { total: 7 }, '"1"');
      expect([raised.status, raised.body.stored, raised.headers.get('etag')]).toEqual([503, true, '"2"']);
      await shows(id, { total: 7, version: 2 });
      jest.restoreAllMocks();
      const again = await patch(id, { total: 7 }, raised.headers.get('etag') ?? '');
      expect([again.status, again.body.total]).toEqual([200, 7]);
    });
  });

  it('are closed for good', async () => {
    const id = await client.createCampaign(5);
    await client.claim('winner', id);
    expect((await act(id, 'close')).body.state).toBe('CLOSED');
    expect((await act(id, 'close')).status).toBe(200);
    for (const action of ['resume', 'pause']) expect((await act(id, action)).body.code).toBe('campaign-closed');
    expect((await patch(id, { name: 'other' }, '*')).body.code).toBe('campaign-closed');
    expect((await client.claim('late', id)).body.code).toBe('campaign-closed');
    expect((await client.claim('winner', id)).body.code).toBe('already-claimed');
  });

  it('sell again when the total is raised, and never go below what was claimed', async () => {
    const id = await client.createCampaign(2);
    await client.claim('a', id);
    await client.claim('b', id);
    expect((await client.claim('c', id)).body.code).toBe('sold-out');
    const raised = await patch(id, { total: 3 }, '"1"');
    expect([raised.status, raised.body.total, raised.body.remaining]).toEqual([200, 3, 1]);
    expect((await client.claim('c', id)).status).toBe(202);
    const tooLow = await patch(id, { total: 2 }, '"2"');
    expect([tooLow.status, tooLow.body.code]).toEqual([409, 'total-below-claimed']);
    await shows(id, { version: 2 });
    const wider = await patch(id, { total: 10 }, '"2"');
    const lowered = await patch(id, { total: 5 }, wider.headers.get('etag') ?? '');
    expect([lowered.body.total, lowered.body.remaining]).toEqual([5, 2]);
  });

  it('change only for callers who have seen the newest version', async () => {
    const id = await client.createCampaign(2);
    expect((await patch(id, { name: 'x' })).body.code).toBe('precondition-required');
    expect((await patch(id, { name: 'x' }, '"7"')).status).toBe(412);
    expect((await patch(id, { name: 'x' }, 'W/"1"')).status).toBe(412);
    expect((await patch(id, { name: 'x' }, '1')).status).toBe(400);
    expect((await patch(id, { name: 'x' }, '"1"')).body).toMatchObject({ name: 'x', version: 2 });
    expect((await patch(id, { name: 'y' }, '*')).body.version).toBe(3);
  });

  it('lose no change when operators work at once', async () => {
    const id = await client.createCampaign(2);
    const answers = await inParallel([...Array(20).keys()], 20, (n) => patch(id, { name: `name ${n}` }, '"1"'));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 1, 412: 19 });
  });

  it.each([
    ['total 0', { total: 0 }],
    ['a negative total', { total: -1 }],
    ['a fractional total', { total: 1.5 }],
    ['a total in quotes', { total: '100' }],
    ['a total beyond ten million', { total: 10_000_001 }],
    ['an end before the start', { startsAt: at(HOUR), endsAt: at(0) }],
    ['an end at the start', { startsAt: '2099-01-01T00:00:00Z', endsAt: '2099-01-01T09:00:00+09:00' }],
    ['a day that does not exist', { startsAt: '2026-02-30T00:00:00Z' }],
    ['an instant without a zone', { startsAt: '2026-03-01T00:00:00' }],
    ['an empty name', { name: '' }],
    ['a name of 201 characters', { name: 'n'.repeat(201) }],
    ['a name with a control character', { name: 'a\u0007b' }],
    ['a name that turns the text around', { name: 'a\u202eb' }],
    ['a name of a zero-width space', { name: '\u200b' }],
    ['a name of a Hangul filler', { name: '\u3164' }],
    ['a name of a tag', { name: '\u{e0041}' }],
    ['a name with a zero-width space in it', { name: '여름\u200b 쿠폰' }],
    ['a property that nobody knows', { totals: 5 }],
  ])('are not made with %s', async (_what, change) => {
    const { status, body } = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: 'n', total: 1, ...change },
    });
    expect([status, body.code]).toEqual([400, 'validation-failed']);
    expect(body.errors.length).toBeGreaterThan(0);
  });

  it('refuse a change of the window that ends before it starts', async () => {
    const id = await client.createCampaign(1, { startsAt: at(0), endsAt: at(HOUR) });
    const { status, body } = await patch(id, { startsAt: at(2 * HOUR) }, '*');
    expect([status, body.code]).toEqual([400, 'validation-failed']);
    expect((await patch(id, {}, '*')).status).toBe(400);
  });

  it('are administered only with the token', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic dGVzdDp0ZXN0' }] as Record<
      string,
      string
    >[]) {
      const answer = await client.send('POST', '/api/admin/campaigns', { body: { name: 'n', total: 1 }, headers });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('are listed newest first, page by page', async () => {
    const ids = await inParallel([1, 2, 3, 4, 5], 1, (total) => client.createCampaign(total));
    const seen: string[] = [];
    let path: string | null = '/api/campaigns?limit=2';
    while (path !== null && seen.length < 5) {
      const { body }: { body: { items: { id: string }[]; nextCursor: string | null } } = await client.get(path);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ id }) => id));
      path = body.nextCursor === null ? null : `/api/campaigns?limit=2&cursor=${body.nextCursor}`;
    }
    expect(seen.slice(0, 5)).toEqual([...ids].reverse());
  });

  it.each(['limit=0', 'limit=-1', 'limit=1001', 'limit=1&limit=2', 'limit=x', 'cursor=broken', 'cursor=', 'page=2'])(
    'refuse the list parameter %s',
    async (query) => {
      const { status, body } = await client.get(`/api/campaigns?${query}`);
      expect(status).toBe(400);
      expect(['validation-failed', 'invalid-cursor']).toContain(body.code);
    },
  );

  it('audit themselves', async () => {
    const id = await client.createCampaign(10);
    await inParallel([...Array(4).keys()], 4, (user) => client.claim(user, id));
    await eventually(async () => {
      expect(await client.audit(id)).toMatchObject({
        campaignId: id,
        total: 10,
        gate: 4,
        pending: 0,
        oldestPendingMs: null,
        issued: 4,
        rows: 4,
        failed: { PENDING: 0, DEAD: 0 },
        drift: 0,
      });
    });
    expect((await client.admin('GET', '/api/admin/campaigns/nothing/audit')).body.code).toBe('campaign-not-found');
  });

  it('sell no coupon twice while operators pause, resume, raise and lower under load', async () => {
    const id = await client.createCampaign(50);
    let load = true;
    const operate = (async () => {
      for (let round = 0; load; round++) {
        await act(id, 'pause');
        await patch(id, { total: 50 + (round % 5) * 10 }, '*');
        await act(id, 'resume');
      }
    })();
    const users = Array.from({ length: 2_000 }, (_, index) => `load-${index}`);
    const answers = await inParallel(users, 50, (user) => client.claim(user, id));
    load = false;
    await operate;
    const counts = tally(answers.map(({ status, body }) => `${status} ${body.code ?? ''}`));
    expect(Object.keys(counts).filter((key) => !/^(202 |409 (sold-out|campaign-paused))$/.test(key))).toEqual([]);
    const accepted = counts['202 '] ?? 0;
    await eventually(async () => {
      const audit = await client.audit(id);
      expect(audit).toMatchObject({ rows: accepted, issued: accepted, gate: accepted, pending: 0, drift: 0 });
      expect(audit.rows).toBeLessThanOrEqual(audit.total);
    });
  });
});
