import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ProblemBody } from '../../support/refusal.js';
import { client, seen } from './fixture.js';

export function describeDocument(): void {
  describe('the OpenAPI document', () => {
    /** Statuses of paths and methods without an operation. */
    const OF_NO_OPERATION = new Set(['not-found', 'method-not-allowed']);
    /** Headers about the transport of an answer, not about its content. */
    const OF_HTTP = new Set([
      'connection',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
      'transfer-encoding',
    ]);
    let document: ProblemBody;

    beforeAll(async () => {
      document = (await client.get('/docs-json')).body;
    });

    const operations = () =>
      Object.entries<ProblemBody>(document.paths).flatMap(([path, item]) =>
        Object.entries<ProblemBody>(item).map(([method, operation]) => ({
          path,
          method: method.toUpperCase(),
          operation,
        })),
      );
    const operationOf = (method: string, path: string) =>
      operations().find(
        (candidate) =>
          candidate.method === method && new RegExp(`^${candidate.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
      );

    /** The object that a `$ref` points to. */
    const resolved = (node: ProblemBody): ProblemBody =>
      typeof node?.$ref === 'string'
        ? node.$ref
            .split('/')
            .slice(1)
            .reduce((found: ProblemBody, step: string) => found?.[step], document)
        : node;

    it('resolves every reference, and names every operation once', () => {
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
      expect(references.length).toBeGreaterThan(10);
      for (const reference of references) {
        const [root, ...steps] = (reference ?? '').split('/');
        const found = steps.reduce<ProblemBody>((node, step) => node?.[step], document);
        expect([reference, root, typeof found]).toEqual([reference, '#', 'object']);
      }
      const ids = operations().map(({ operation }) => operation.operationId as string);
      expect(ids.every((id) => /^[a-z]\w+$/.test(id))).toBe(true);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('describes every parameter of every path, a success and a failure of every call', () => {
      expect(document.openapi).toMatch(/^3\.\d/);
      for (const { path, operation } of operations()) {
        const inPath = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === 'path');
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect(inPath.map((parameter: { name: string }) => parameter.name)).toEqual(names);
        expect(
          inPath.every((parameter: { required: boolean; schema: unknown }) => parameter.required && parameter.schema),
        ).toBe(true);
        const statuses = Object.keys(operation.responses);
        expect([path, statuses.some((status) => status.startsWith('2'))]).toEqual([path, true]);
        for (const status of statuses.filter((one) => one.startsWith('2') && one !== '204')) {
          const bodies = Object.values<ProblemBody>(operation.responses[status].content ?? {});
          const shapes = new Set(bodies.map(({ schema }) => typeof schema));
          expect([path, status, ...shapes]).toEqual([path, status, 'object']);
        }
        for (const response of Object.values<ProblemBody>(operation.responses)) {
          expect(typeof resolved(response).description).toBe('string');
        }
      }
    });

    it('asks for the admin token where it is needed', () => {
      for (const { path, operation } of operations()) {
        if (path.startsWith('/api/admin')) {
          expect([path, operation.security]).toEqual([path, [{ admin: [] }, { session: [] }]]);
        }
      }
      expect(document.components.securitySchemes.admin).toMatchObject({ type: 'http', scheme: 'bearer' });
    });

    it('lists every answer that was seen here', () => {
      const missing = new Set<string>();
      for (const { method, path, status, code } of seen) {
        const found = operationOf(method, path);
        if (found === undefined || (code !== undefined && OF_NO_OPERATION.has(code))) continue;
        const response = resolved(found.operation.responses[status]);
        const examples = response?.content?.['application/problem+json']?.examples;
        const listed = response !== undefined && (code === undefined || examples?.[code] !== undefined);
        if (!listed) missing.add(`${found.operation.operationId} ${status} ${code ?? ''}`);
      }
      expect(seen.length).toBeGreaterThan(300);
      expect([...missing].sort()).toEqual([]);
    });

    it('names every header that was seen here, and no promised header was missing', () => {
      const wrong = new Set<string>();
      let compared = 0;
      for (const { method, path, status, code, headers } of seen) {
        const response = resolved(operationOf(method, path)?.operation.responses[status]);
        if (response === undefined || (code !== undefined && OF_NO_OPERATION.has(code))) continue;
        compared += 1;
        const named = new Map(
          Object.entries<ProblemBody>(response.headers).map(([name, header]) => [name.toLowerCase(), header]),
        );
        const what = `${method} ${path} ${status} ${code ?? ''}`;
        for (const [name, value] of Object.entries(headers)) {
          const schema = named.get(name)?.schema;
          if (!OF_HTTP.has(name) && schema === undefined) wrong.add(`${what}: ${name} is not named`);
          if (
            schema?.enum?.includes(value) === false ||
            (schema?.pattern && !new RegExp(schema.pattern).test(value ?? ''))
          ) {
            wrong.add(`${what}: ${name} is ${value}`);
          }
        }
        for (const [name, { required }] of named) {
          if (required && headers[name] === undefined) wrong.add(`${what}: no ${name}`);
        }
      }
      expect(compared).toBeGreaterThan(300);
      expect([...wrong].sort()).toEqual([]);
    });
  });
}
