import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROBLEMS } from '../../src/platform/http/problem/problem-catalogue.js';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { Client } from '../support/client.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';

/** The document is read as what it is: JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

describe('the OpenAPI document of the service', () => {
  let service: Service;
  let client: Client;
  let document: Json;

  beforeAll(async () => {
    // Without consumer and retry, only the calls of this test change the data.
    service = await startService({ ROLES: 'api' });
    client = new Client(service.url);
    document = (await client.get('/docs-json')).body;
  });
  afterAll(() => service.stop());

  const resolved = (node: Json): Json =>
    typeof node?.$ref === 'string'
      ? resolved(
          node.$ref
            .split('/')
            .slice(1)
            .reduce((found: Json, step: string) => found[step], document),
        )
      : node;
  const operations = (): { method: string; path: string; operation: Json }[] =>
    Object.entries<Json>(document.paths).flatMap(([path, item]) =>
      Object.entries<Json>(item).map(([method, operation]) => ({ method, path, operation })),
    );
  const operationOf = (id: string): Json =>
    operations().find(({ operation }) => operation.operationId === id)?.operation as Json;
  /** Every schema in the document, with its path. */
  const schemas = (): { at: string; schema: Json }[] => {
    const found: { at: string; schema: Json }[] = [];
    const walk = (node: Json, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      if (typeof node.type === 'string') found.push({ at, schema: node });
      for (const [key, child] of Object.entries(node)) walk(child, `${at}/${key}`);
    };
    walk(document, '');
    return found;
  };

  it('names what callers handle, once', () => {
    const names = ['Campaign', 'Claim', 'Coupon', 'Audit', 'FailedEvent', 'Problem'];
    const lists = ['CampaignList', 'CouponList', 'FailedEventList'];
    const bodies = ['Application', 'NewCampaign', 'CampaignChange', 'DiscardOrder'];
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining([...names, ...lists, ...bodies]));
    for (const [operation, status, name] of [
      ['applyForCoupon', 202, 'AcceptedClaim'],
      ['findClaim', 200, 'Claim'],
      ['listCampaigns', 200, 'CampaignList'],
      ['findCampaign', 200, 'Campaign'],
      ['createCampaign', 201, 'AdminCampaign'],
      ['changeCampaign', 200, 'AdminCampaign'],
      ['closeCampaign', 200, 'AdminCampaign'],
      ['publishCampaign', 200, 'Campaign'],
      ['findAdminCampaign', 200, 'CampaignDetails'],
      ['listCouponsOfUser', 200, 'CouponList'],
      ['auditCampaign', 200, 'Audit'],
      ['listFailedEvents', 200, 'FailedEventList'],
      ['discardFailedEvent', 200, 'FailedEvent'],
      ['previewCampaign', 200, 'CampaignConsequences'],
      ['previewFailedEvents', 200, 'FailedEventConsequences'],
      ['requeueFailedEvents', 200, 'BulkResult'],
    ] as const) {
      const { schema } = operationOf(operation).responses[status].content['application/json'];
      expect([operation, schema]).toEqual([operation, { $ref: `#/components/schemas/${name}` }]);
    }
    for (const [operation, name] of [
      ['watchCampaign', 'PublicLiveSample'],
      ['watchCampaignAsOperator', 'LiveSample'],
    ] as const) {
      const { content } = operationOf(operation).responses[200];
      expect(content).toEqual({ 'text/event-stream': { schema: { $ref: `#/components/schemas/${name}` } } });
    }
    for (const [list, item] of [
      ['CampaignList', 'Campaign'],
      ['CouponList', 'Coupon'],
      ['FailedEventList', 'FailedEvent'],
    ] as const) {
      expect(document.components.schemas[list].properties.items.items).toEqual({
        $ref: `#/components/schemas/${item}`,
      });
    }
  });

  it('lets no undocumented status hide behind a default', () => {
    for (const { path, operation } of operations()) {
      const statuses = Object.keys(operation.responses);
      expect([path, statuses]).toEqual([path, expect.arrayContaining(['400', '408', '415', '431', '500'])]);
      expect([path, statuses.every((status) => /^[2-5]\d\d$/.test(status))]).toEqual([path, true]);
      if (operation.security !== undefined) expect([path, statuses.includes('401')]).toEqual([path, true]);
    }
  });

  it('has a place for every refusal that the service knows', () => {
    const named = new Set(
      operations().flatMap(({ operation }) =>
        Object.values<Json>(operation.responses).flatMap((response) =>
          Object.keys(resolved(response).content?.['application/problem+json']?.examples ?? {}),
        ),
      ),
    );
    const missing = Object.keys(PROBLEMS).filter((code) => !named.has(code));
    // The codes of no operation, and that of a backup, which only an embedded service makes.
    const elsewhere = operationOf('downloadBackup') === undefined ? ['backup-under-way', 'not-enough-space'] : [];
    // Of IDENTITY=jwt: test/e2e/callers.e2e-spec.ts.
    elsewhere.push('not-your-user', 'user-not-usable', 'identity-unavailable');
    expect(missing.sort()).toEqual([...elsewhere, 'method-not-allowed', 'not-found'].sort());
  });

  it('names the headers of every answer', () => {
    for (const { path, operation } of operations()) {
      for (const [status, response] of Object.entries<Json>(operation.responses)) {
        const { headers } = resolved(response);
        const always = Object.keys(headers).filter((name) => headers[name].required === true);
        const what = `${operation.operationId} ${path} ${status}`;
        const expected = ['X-Request-Id', 'Cache-Control', 'X-Content-Type-Options'];
        if (Number(status) >= 400 && resolved(response).content['application/json'] === undefined) {
          expected.push('Content-Language', 'Vary');
        }
        if (status === '401') expected.push('WWW-Authenticate');
        if (status === '503' && operation.operationId !== 'ready') expected.push('Retry-After');
        expect([what, always]).toEqual([what, expect.arrayContaining(expected)]);
        for (const header of Object.values<Json>(headers)) expect(header.description).toMatch(/\S/);
      }
    }
    const headersOf = (id: string, status: number) => Object.keys(resolved(operationOf(id).responses[status]).headers);
    expect(headersOf('createCampaign', 201)).toEqual(
      expect.arrayContaining(['Location', 'ETag', 'Idempotent-Replayed']),
    );
    expect(headersOf('applyForCoupon', 202)).toEqual(
      expect.arrayContaining(['Location', 'Idempotent-Replayed', 'Content-Language', 'Vary']),
    );
    expect(headersOf('applyForCoupon', 409)).toContain('Location');
    for (const id of ['findCampaign', 'changeCampaign', 'pauseCampaign', 'requeueFailedEvent', 'discardFailedEvent']) {
      expect([id, headersOf(id, 200)]).toEqual([id, expect.arrayContaining(['ETag'])]);
    }
  });

  it('names the headers that every request may have', () => {
    const headersOf = (operation: Json) =>
      Object.fromEntries(
        operation.parameters
          .map(resolved)
          .filter((parameter: Json) => parameter.in === 'header')
          .map((parameter: Json) => [parameter.name, parameter.required]),
      );
    for (const { operation } of operations()) {
      const id = operation.operationId as string;
      const own = /^(changeCampaign|publishCampaign|deleteDraft|requeueFailedEvent|discardFailedEvent)$/.test(id)
        ? { 'If-Match': true }
        : /^(applyForCoupon|createCampaign)$/.test(id)
          ? { 'Idempotency-Key': false }
          : id === 'findClaim'
            ? { 'X-Claim-Id': false }
            : id === 'watchCampaignAsOperator'
              ? { 'Last-Event-ID': false }
              : {};
      if (id === 'applyForCoupon') Object.assign(own, { 'X-Entry-Token': false });
      expect([id, headersOf(operation)]).toEqual([id, { 'Accept-Language': false, 'X-Request-Id': false, ...own }]);
    }
  });

  it('calls the admin token a token and nothing else, and says where it is optional', () => {
    const { admin } = document.components.securitySchemes;
    expect(admin).toEqual({ type: 'http', scheme: 'bearer', description: expect.any(String) });
    expect(operationOf('listCouponsOfUser').security).toEqual([{}, { admin: [] }]);
  });

  it('has no limits that come from a programming language', () => {
    const limits = schemas().filter(({ schema }) => Math.abs(schema.minimum ?? 0) >= 2 ** 53 - 1);
    expect(limits).toEqual([]);
    const maxima = schemas().filter(({ schema }) => schema.maximum >= 2 ** 53 - 1);
    // A user's number is taken as its decimal text, which JSON keeps exact up to there.
    const users = ['Application', 'EntryRequest'].map(
      (name) => `/components/schemas/${name}/properties/userId/anyOf/1`,
    );
    expect(maxima.map(({ at }) => at).sort()).toEqual(users);
  });

  describe('when its examples are tried as they are', () => {
    /** What Swagger UI sends after "Try it out" and "Execute": it fills in every example, and nothing else. */
    const call = ({ method, path, operation }: { method: string; path: string; operation: Json }) => {
      let url = path;
      const query = new URLSearchParams();
      const headers: Record<string, string> = {};
      for (const parameter of operation.parameters.map(resolved)) {
        const example = parameter.example ?? resolved(parameter.schema).example ?? resolved(parameter.schema).default;
        if (example === undefined) {
          expect([path, parameter.name, parameter.required]).toEqual([path, parameter.name, false]);
          continue;
        }
        if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, String(example));
        if (parameter.in === 'query') query.set(parameter.name, String(example));
        if (parameter.in === 'header') headers[parameter.name.toLowerCase()] = String(example);
      }
      const schema = resolved(operation.requestBody?.content['application/json'].schema);
      const body: Json = schema?.example;
      expect([path, body !== undefined]).toEqual([path, schema !== undefined]);
      const options = body === undefined ? { headers } : { body, headers };
      const sent = `${url}${query.size > 0 ? `?${query.toString()}` : ''}`;
      return path.includes('/admin/')
        ? client.admin(method, sent, options)
        : client.send(method.toUpperCase(), sent, options);
    };

    it('every call succeeds', async () => {
      // A failed event has to be there to be requeued and discarded.
      await failToPublish({ database: service.app.get(Database) }, claimEvent());
      // A key has to be there to be revoked.
      const id = resolved(
        operations().find(({ operation }) => operation.operationId === 'revokeKey')?.operation.parameters[0],
      ).schema.example;
      const key = { id, name: 'n', role: 'viewer', secretDigest: '', createdBy: 'bootstrap', expiresAt: null } as const;
      await service.app.get(Database).transaction((unit) => unit.apiKeys.insert(key));
      // A claim has to be made before it is found, and closing is final.
      const turn = (id: string): number => (id === 'applyForCoupon' ? 0 : id === 'closeCampaign' ? 2 : 1);
      // The copy is made by a worker that exists only once it is built: test/e2e/backup.e2e-spec.ts asks a built service.
      // The example of a campaign is published, and only drafts are deleted. Nothing waits for a second operator.
      const untried = ['downloadBackup', 'deleteDraft', 'findApproval', 'approveAct', 'rejectAct'];
      const tried = operations().filter(({ operation }) => !untried.includes(operation.operationId));
      const all = tried.sort((a, b) => turn(a.operation.operationId) - turn(b.operation.operationId));
      for (const one of all) {
        // A stream has no end; HEAD gets its headers. What it sends: test/e2e/live.e2e-spec.ts.
        const isStream =
          '200' in one.operation.responses && 'text/event-stream' in one.operation.responses[200].content;
        const { status, body } = await call(isStream ? { ...one, method: 'head' } : one);
        expect([one.operation.operationId, status, status < 300 ? '' : body]).toEqual([
          one.operation.operationId,
          Number(Object.keys(one.operation.responses).find((documented) => documented.startsWith('2'))),
          '',
        ]);
      }
    });
  });
});
