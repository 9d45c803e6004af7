import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ClaimEvent } from '../../src/domain/claim.js';
import { MAX_ATTEMPTS } from '../../src/domain/retry-policy.js';
import { FailedEventDrainer } from '../../src/modules/retry/failed-event-drainer.js';
import { Database } from '../../src/ports/database/database.js';
import { ClaimLog, ClaimLogUnavailableError } from '../../src/ports/log/claim-log.js';
import { claimEvent } from '../support/claims.js';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { tableRows } from '../support/table-rows.js';

const PATH = '/api/admin/failed-events';
const REFUSED = { errorClass: 'poison', errorCode: 'refused-by-database', errorMessage: 'refused' };

describe('failed events', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    // Without the role retry, only the tests drain.
    service = await startService({ ROLES: 'api,consumer' });
    client = new Client(service.url);
  });
  afterAll(() => service.stop());
  afterEach(() => void jest.restoreAllMocks());

  const database = () => service.app.get(Database);
  const log = () => service.app.get(ClaimLog);
  const drain = () => service.app.get(FailedEventDrainer).drain();

  const list = async (query = ''): Promise<Answer['body']> => (await client.admin('GET', `${PATH}${query}`)).body;
  const only = async (campaignId: string): Promise<Answer['body']> => {
    const { items } = await list(`?campaignId=${campaignId}`);
    expect(items).toHaveLength(1);
    return items[0];
  };
  const act = (id: number, action: 'requeue' | 'discard', ifMatch?: string, body?: unknown) =>
    client.admin('POST', `${PATH}/${id}/${action}`, {
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(action === 'discard' ? { body: body ?? { reason: 'it was a test' } } : body === undefined ? {} : { body }),
    });
  const claimOf = (campaign: string, user: string) => client.get(`/api/campaigns/${campaign}/claims/${user}`);
  const settled = (campaign: string, expected: Record<string, unknown>) =>
    eventually(async () => {
      expect(await client.audit(campaign)).toMatchObject({ pending: 0, drift: 0, ...expected });
    });
  const issued = (campaign: string, user: string) =>
    eventually(async () => expect((await claimOf(campaign, user)).body.status).toBe('ISSUED'));

  /** Claims while the log refuses everything. Each claim is answered 202 and becomes a failed event. */
  const claimUnpublished = async (campaign: string, ...users: string[]) => {
    const publish = log().publish.bind(log());
    const unlucky = new Set(users);
    jest
      .spyOn(log(), 'publish')
      .mockImplementation((event) =>
        unlucky.has(event.userId) && event.campaignId === campaign
          ? Promise.reject(new ClaimLogUnavailableError('away'))
          : publish(event),
      );
    for (const user of users) expect((await client.claim(user, campaign)).status).toBe(202);
    jest.restoreAllMocks();
  };

  /** Makes the database refuse these claims until the consumer stops trying. */
  const refuseUntilDead = async (campaignId: string) => {
    const record = { topic: 'coupon_create', partition: 0, offset: 0, key: null, value: null, headers: {} };
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      await tableRows(service, 'UPDATE failed_events SET next_attempt_at = 0 WHERE campaign_id = ?', [campaignId]);
      await database().transaction(async (unit) => {
        await unit.gate.lockShared();
        const open = await unit.failedEvents.list({ campaignId, status: 'PENDING', limit: 1_000 });
        await unit.failedEvents.quarantine(open.map(({ claim }) => ({ record, claim, failure: REFUSED })));
      });
    }
  };

  const deadClaim = async (total = 1, user = 'unlucky') => {
    const campaign = await client.createCampaign(total);
    await claimUnpublished(campaign, user);
    await refuseUntilDead(campaign);
    return { campaign, row: await only(campaign) };
  };

  /** An event as the api would publish it, of a claim that no gate ever saw. */
  const forged = async (campaignId: string, userId: string): Promise<ClaimEvent> => {
    const { epoch } = await database().read((unit) => unit.gate.read());
    return claimEvent({ campaignId, userId, sequence: 1_000, claimedAt: Date.now(), epoch });
  };

  describe('in the list', () => {
    it('show why a message on the log became no coupon', async () => {
      const full = await client.createCampaign(1);
      await client.claim('winner', full);
      await issued(full, 'winner');
      const overTotal = await forged(full, 'too-many');
      const unknown = await forged('never-made', 'lost');
      const broken = { ...(await forged(full, 'broken')), claimId: 'not a claim id' };
      for (const event of [overTotal, unknown, broken]) await log().publish(event);
      await eventually(async () => expect((await list('?limit=3')).items).toHaveLength(3));
      const items = (await list('?limit=3')).items as Answer['body'][];
      expect(items.map((item) => item.errorCode).sort()).toEqual(['invalid-schema', 'over-total', 'unknown-campaign']);
      const of = (code: string) => items.find((item) => item.errorCode === code);
      expect(of('over-total')).toMatchObject({ claimId: overTotal.claimId, userId: 'too-many', source: 'CONSUMER' });
      expect(of('unknown-campaign')).toMatchObject({ campaignId: 'never-made', errorClass: 'poison' });
      expect(of('invalid-schema')).toMatchObject({ status: 'DEAD', claimId: null, userId: null, nextAttemptAt: null });
      for (const item of items) expect(item).not.toHaveProperty('payload');
      expect(await client.audit(full)).toMatchObject({ issued: 1, rows: 1 });
    });

    it('are filtered by status and campaign', async () => {
      const one = await deadClaim();
      const other = await client.createCampaign(1);
      await claimUnpublished(other, 'waits');
      const ids = ({ items }: Answer['body']) => items.map((item: { id: number }) => item.id);
      const waiting = await only(other);
      expect(ids(await list(`?campaignId=${one.campaign}&status=DEAD`))).toEqual([one.row.id]);
      expect(ids(await list(`?campaignId=${one.campaign}&status=PENDING`))).toEqual([]);
      expect(ids(await list('?status=DEAD'))).toContain(one.row.id);
      expect(ids(await list('?status=DEAD'))).not.toContain(waiting.id);
      expect(ids(await list('?campaignId=nothing'))).toEqual([]);
      expect(one.row).toMatchObject({ status: 'DEAD', attempts: 12, maxAttempts: 12, nextAttemptAt: null });
      expect(waiting).toMatchObject({ status: 'PENDING', source: 'API', attempts: 0, version: 1 });
      expect((await claimOf(one.campaign, 'unlucky')).body.status).toBe('FAILED');
      expect((await claimOf(other, 'waits')).body.status).toBe('PENDING');
    });

    it('come newest first, and page by page without a gap or a repetition', async () => {
      const campaign = await client.createCampaign(7);
      const users = [...Array(7).keys()].map((n) => `u${n}`);
      await claimUnpublished(campaign, ...users);
      const seen: string[] = [];
      let cursor = '';
      do {
        const page = await list(`?campaignId=${campaign}&limit=3${cursor}`);
        seen.push(...page.items.map((item: { userId: string }) => item.userId));
        expect(page.items.length).toBeLessThanOrEqual(3);
        cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
      } while (cursor !== '');
      expect(seen).toEqual(users.reverse());
    });
  });

  describe('that an operator looks at', () => {
    const show = (id: number | string) => client.admin('GET', `${PATH}/${id}/message`);

    it('show the message as it lies on the log, and a version to act on', async () => {
      const campaign = await client.createCampaign(1);
      const event = { ...(await forged(campaign, '깨진 것')), claimId: 'broken' };
      await log().publish(event);
      const listed = await eventually(async () => {
        const found = (await list('?status=DEAD&limit=1')).items[0];
        expect(found).toMatchObject({ errorCode: 'invalid-schema' });
        return found;
      });
      const { status, body, headers } = await show(listed.id);
      expect([status, headers.get('etag')]).toEqual([200, `"${listed.version}"`]);
      const { message, ...rest } = body;
      expect(rest).toEqual(listed);
      expect(JSON.parse(message.value.text)).toMatchObject({ userId: '깨진 것', claimId: 'broken' });
      expect(Buffer.from(message.value.base64, 'base64').toString()).toBe(message.value.text);
      expect(message.value.length).toBe(Buffer.byteLength(message.value.text));
      expect(message.cut).toBe(false);
      expect(message.headers).toEqual(expect.any(Array));
    });

    it('have no message when an api has set them aside', async () => {
      const campaign = await client.createCampaign(1);
      await claimUnpublished(campaign, 'waits');
      const row = await only(campaign);
      expect((await show(row.id)).body).toEqual({ ...row, message: null });
    });

    it('say in base64 what is no text', async () => {
      const value = Buffer.from([0x7b, 0xff, 0x00]);
      const record = { topic: 'elsewhere', partition: 0, offset: 1, key: null, value, headers: {} };
      const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'no JSON' };
      await database().transaction((unit) => unit.failedEvents.quarantine([{ record, claim: null, failure }]));
      const [row] = (await list('?limit=1')).items;
      expect((await show(row.id)).body.message).toEqual({
        key: null,
        value: { text: null, base64: value.toString('base64'), length: 3 },
        headers: [],
        cut: false,
      });
    });

    it('show a viewer no message, which would tell the id of the claim', async () => {
      const viewer = await client.admin('POST', '/api/admin/keys', { body: { name: 'support', role: 'viewer' } });
      const { row } = await deadClaim();
      await tableRows(service, 'UPDATE failed_events SET payload = ? WHERE id = ?', [
        '{"claimId":"x"}',
        String(row.id),
      ]);
      expect((await show(row.id)).body.message).not.toBeNull();
      const seen = await client.get(`${PATH}/${row.id}/message`, { authorization: `Bearer ${viewer.body.key}` });
      expect([seen.status, seen.body.claimId, seen.body.message]).toEqual([200, null, null]);
    });
  });

  describe('that an operator acts upon', () => {
    it.each(['requeue', 'discard', 'look'] as const)('have to exist for a %s', async (action) => {
      const call = (id: string) =>
        action === 'look' ? client.admin('GET', `${PATH}/${id}/message`) : act(id as unknown as number, action, '*');
      for (const id of ['999999', '999999999999999', '9'.repeat(40)]) {
        const answer = await call(id);
        expect([answer.status, answer.body.code]).toEqual([404, 'failed-event-not-found']);
      }
      for (const id of ['0', '-1', 'x', '1.5', '1e3', '007', '__proto__']) {
        const answer = await call(id);
        expect([id, answer.status, answer.body.errors]).toMatchObject([id, 400, [{ in: 'path', pointer: '/id' }]]);
      }
    });

    it.each(['requeue', 'discard'] as const)(
      'change by a %s only for a caller who has seen the newest version',
      async (action) => {
        const { campaign, row } = await deadClaim();
        for (const [condition, status, code] of [
          [undefined, 428, 'precondition-required'],
          [`"${row.version - 1}"`, 412, 'precondition-failed'],
          [`"${row.version + 1}"`, 412, 'precondition-failed'],
          [`W/"${row.version}"`, 412, 'precondition-failed'],
          [String(row.version), 400, 'invalid-if-match'],
          ['', 400, 'invalid-if-match'],
        ] as const) {
          const answer = await act(row.id, action, condition);
          expect([condition, answer.status, answer.body.code]).toEqual([condition, status, code]);
        }
        expect(await only(campaign)).toEqual(row);
        const changed = await act(row.id, action, `"${row.version}"`);
        expect([changed.status, changed.headers.get('etag')]).toEqual([200, `"${changed.body.version}"`]);
        expect(changed.body.version).toBeGreaterThan(row.version);
        expect((await act(row.id, action, `"${row.version}"`)).status).toBe(412);
      },
    );

    it.each([
      ['no body', undefined, ''],
      ['no reason', {}, '/reason'],
      ['an empty reason', { reason: '' }, '/reason'],
      ['a blank reason', { reason: ' ' }, '/reason'],
      ['a reason of 501 characters', { reason: 'r'.repeat(501) }, '/reason'],
      ['a reason of two lines', { reason: 'a\nb' }, '/reason'],
      ['a reason that is a number', { reason: 5 }, '/reason'],
      ['something beside the reason', { reason: 'r', force: true }, '/force'],
    ])('are not discarded with %s', async (_what, body, pointer) => {
      const { campaign, row } = await deadClaim();
      const answer = await client.admin('POST', `${PATH}/${row.id}/discard`, { body, ifMatch: '*' });
      expect([answer.status, answer.body.errors]).toMatchObject([400, [{ in: 'body', pointer }]]);
      expect(await only(campaign)).toEqual(row);
    });

    it.each([{}, null, 'x'])('are not requeued with the body %j', async (body) => {
      const { campaign, row } = await deadClaim();
      const answer = await act(row.id, 'requeue', '*', body);
      expect([answer.status, answer.body.errors]).toMatchObject([400, [{ in: 'body', pointer: '' }]]);
      expect(await only(campaign)).toEqual(row);
    });

    it('are changed by one of many who act at once', async () => {
      const { row } = await deadClaim();
      const answers = await inParallel([...Array(20).keys()], 20, (n) =>
        act(row.id, n % 2 === 0 ? 'requeue' : 'discard', `"${row.version}"`),
      );
      expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 1, 412: 19 });
    });
  });

  describe('that are discarded', () => {
    it('give their slot back, and their user may claim again', async () => {
      const { campaign, row } = await deadClaim();
      expect((await client.claim('next', campaign)).body.code).toBe('sold-out');
      expect((await client.claim('unlucky', campaign)).body.code).toBe('already-claimed');
      const discarded = await act(row.id, 'discard', `"${row.version}"`, { reason: '사유: 시험' });
      expect(discarded.body).toMatchObject({
        id: row.id,
        status: 'DISCARDED',
        note: '사유: 시험',
        nextAttemptAt: null,
      });
      expect((await claimOf(campaign, 'unlucky')).body.code).toBe('claim-not-found');
      expect((await client.get(`/api/campaigns/${campaign}`)).body.remaining).toBe(1);
      const again = await client.claim('unlucky', campaign);
      expect(again.status).toBe(202);
      expect(again.body.claimId).not.toBe(row.claimId);
      expect(again.body.sequence).toBeGreaterThan(row.sequence);
      await issued(campaign, 'unlucky');
      expect((await client.claim('next', campaign)).body.code).toBe('sold-out');
      await settled(campaign, { gate: 1, issued: 1, rows: 1, failed: expect.objectContaining({ DISCARDED: 1 }) });
      expect((await only(campaign)).releasedAt).not.toBeNull();
    });

    it('stay discarded: nothing brings them back, not even their event on the log', async () => {
      const { campaign, row } = await deadClaim();
      await act(row.id, 'discard', '*');
      for (const action of ['requeue', 'discard'] as const) {
        const answer = await act(row.id, action, '*');
        expect([answer.status, answer.body.code]).toEqual([409, 'invalid-state']);
      }
      const event = { ...(await forged(campaign, 'unlucky')), claimId: row.claimId as string };
      await log().publish(event);
      // A later event was consumed, so this one was as well.
      const later = await client.createCampaign(1);
      await client.claim('later', later);
      await issued(later, 'later');
      await settled(campaign, { gate: 0, issued: 0, rows: 0 });
      expect((await only(campaign)).status).toBe('DISCARDED');
    });

    it('may have been unreadable: then there is no slot, and nothing to requeue', async () => {
      const campaign = await client.createCampaign(1);
      await log().publish({ ...(await forged(campaign, 'broken')), claimId: 'broken' });
      const row = await eventually(async () => {
        const found = (await list('?status=DEAD&limit=1')).items[0];
        expect(found).toMatchObject({ errorCode: 'invalid-schema', claimId: null });
        return found;
      });
      const requeued = await act(row.id, 'requeue', '*');
      expect([requeued.status, requeued.body.code]).toEqual([409, 'invalid-state']);
      expect((await act(row.id, 'discard', '*')).body.status).toBe('DISCARDED');
      await settled(campaign, { gate: 0, rows: 0 });
    });
  });

  describe('that are requeued', () => {
    it('become coupons with the next drain', async () => {
      const { campaign, row } = await deadClaim();
      const requeued = await act(row.id, 'requeue', `"${row.version}"`);
      expect(requeued.body).toMatchObject({ status: 'PENDING', attempts: 0, nextAttemptAt: expect.any(String) });
      await drain();
      await issued(campaign, 'unlucky');
      const { claimId, sequence } = row;
      const shown = await client.claimStatus(campaign, 'unlucky', claimId as string);
      expect(shown.body).toMatchObject({ claimId, sequence });
      expect(await only(campaign)).toMatchObject({ status: 'RESOLVED', resolvedBy: 'consumer' });
      await settled(campaign, { gate: 1, issued: 1, rows: 1 });
    });

    it('are no longer to be requeued or discarded once they are coupons', async () => {
      const { campaign, row } = await deadClaim();
      await act(row.id, 'requeue', '*');
      await drain();
      await issued(campaign, 'unlucky');
      expect((await act(row.id, 'requeue', '*')).body.code).toBe('invalid-state');
      const discarded = await act(row.id, 'discard', '*');
      expect([discarded.status, discarded.body.code]).toEqual([409, 'coupon-exists']);
      await settled(campaign, { gate: 1, rows: 1 });
    });

    it('find room once the total has been raised', async () => {
      const campaign = await client.createCampaign(1);
      await client.claim('winner', campaign);
      await issued(campaign, 'winner');
      await log().publish(await forged(campaign, 'over'));
      const row = await eventually(() => only(campaign));
      expect(row.errorCode).toBe('over-total');
      await act(row.id, 'requeue', '*');
      await client.admin('PATCH', `/api/admin/campaigns/${campaign}`, { body: { total: 2 }, ifMatch: '*' });
      await drain();
      await issued(campaign, 'over');
    });

    it('or discarded at the same moment end as one of the two, never as both', async () => {
      const rounds = await inParallel([...Array(10).keys()], 1, async () => {
        const { campaign, row } = await deadClaim();
        await act(row.id, 'requeue', '*');
        const [, discarded] = await Promise.all([drain(), act(row.id, 'discard', '*')]);
        const gone = discarded.status === 200;
        if (!gone) expect(discarded.body.code).toBe('coupon-exists');
        await settled(campaign, { gate: gone ? 0 : 1, issued: gone ? 0 : 1, rows: gone ? 0 : 1 });
        expect((await only(campaign)).status).toBe(gone ? 'DISCARDED' : 'RESOLVED');
        return gone;
      });
      expect(rounds).toHaveLength(10);
    });
  });

  it('oversell nothing and lose no claim while operators work under load', async () => {
    const TOTAL = 300;
    const campaign = await client.createCampaign(TOTAL);
    const unlucky = [...Array(40).keys()].map((n) => `unlucky-${n}`);
    await claimUnpublished(campaign, ...unlucky);
    await refuseUntilDead(campaign);
    const rows = (await list(`?campaignId=${campaign}&limit=100`)).items as { id: number; userId: string }[];
    expect(rows).toHaveLength(40);

    const promised = new Set(unlucky);
    const operating = inParallel([...rows.entries()], 4, async ([index, row]) => {
      const action = index % 2 === 0 ? 'requeue' : 'discard';
      expect((await act(row.id, action, '*')).status).toBe(200);
      if (action === 'discard') promised.delete(row.userId);
      await drain();
    });
    const crowd = [...Array(1_000).keys()].map((n) => `crowd-${n}`);
    const answers = await inParallel(crowd, 100, async (user) => ({
      user,
      answer: await client.claim(user, campaign),
    }));
    await operating;
    expect(
      Object.keys(tally(answers.map(({ answer }) => `${answer.status} ${answer.body.code ?? ''}`))).sort(),
    ).toEqual(['202 ', '409 sold-out']);
    for (const { user, answer } of answers) if (answer.status === 202) promised.add(user);
    // Slots that came free after the last user had asked.
    for (let n = 0; ; n++) {
      const { status } = await client.claim(`late-${n}`, campaign);
      if (status !== 202) break;
      promised.add(`late-${n}`);
    }
    expect(promised.size).toBe(TOTAL);
    await settled(campaign, {
      gate: TOTAL,
      issued: TOTAL,
      rows: TOTAL,
      // A claim that a busy machine brings to the log too late becomes a failed event, and is resolved like the others.
      failed: expect.objectContaining({ DISCARDED: 20, DEAD: 0, PENDING: 0, PUBLISHING: 0, REPUBLISHED: 0 }),
    });
    const found = await inParallel([...promised], 20, async (user) => (await claimOf(campaign, user)).body.status);
    expect(tally(found)).toEqual({ ISSUED: TOTAL });
  });

  describe('in the audit of the administration', () => {
    const auditOf = async (campaignId: string): Promise<Answer['body']> =>
      (await client.admin('GET', `/api/admin/audit-log?campaignId=${campaignId}&actor=bootstrap`)).body.items;

    it('leave a line for each action that was carried out, and none for a refused one', async () => {
      const { campaign, row } = await deadClaim();
      const headers = (id: string) => ({ 'x-request-id': id });
      const order = (action: string, id: string, body?: unknown) =>
        client.admin('POST', `${PATH}/${row.id}/${action}`, { body, ifMatch: '*', headers: headers(id) });
      await act(row.id, 'requeue', '"0"');
      await order('requeue', 'order-1');
      await order('discard', 'order-2', { reason: 'asked for by the user' });
      await order('requeue', 'order-3');
      const { claimId } = row;
      expect(await auditOf(campaign)).toMatchObject([
        {
          action: 'failed-event.discard',
          subject: String(row.id),
          requestId: 'order-2',
          detail: {
            reason: 'asked for by the user',
            claimId,
            before: { status: 'PENDING' },
            after: { status: 'DISCARDED' },
          },
        },
        {
          action: 'failed-event.requeue',
          requestId: 'order-1',
          detail: { claimId, before: { status: 'DEAD' }, after: { status: 'PENDING' } },
        },
        { action: 'campaign.create' },
      ]);
    });
  });
});
