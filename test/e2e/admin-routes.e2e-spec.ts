import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FastifyInstance } from 'fastify';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';

/** A method and a path that the service answers, with `1` for each parameter. */
type Route = `${string} ${string}`;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
}

describe('a caller without a token', () => {
  let service: Service;
  let refused: Route[];
  let served: Route[];
  let documented: Map<Route, boolean>;

  beforeAll(async () => {
    service = await startService({ ROLES: 'api' });
    const client = new Client(service.url);
    const document = (await client.get('/docs-json')).body as Document;
    documented = lockedRoutes(document);
    served = routesOf(service.app.getHttpAdapter().getInstance() as unknown as FastifyInstance);
    refused = [];
    for (const route of new Set([...served, ...documented.keys()])) {
      const [method, path] = route.split(' ') as [string, string];
      if ((await client.send(method, path)).status === 401) refused.push(route);
    }
  });
  afterAll(() => service.stop());

  it('is refused exactly where the document shows a lock', () => {
    const locked = [...documented].filter(([, isLocked]) => isLocked).map(([route]) => route);
    expect(locked.length).toBeGreaterThan(0);
    expect(refused.filter((route) => documented.has(route)).sort()).toEqual(locked.sort());
  });

  it('is refused everywhere under /api/admin, and nowhere else', () => {
    const admin = served.filter((route) => route.includes(' /api/admin'));
    expect(admin.length).toBeGreaterThan(0);
    expect(refused.sort()).toEqual(admin.sort());
  });

  it('finds every documented call among those that are served', () => {
    expect(served).toEqual(expect.arrayContaining([...documented.keys()]));
  });
});

/** Each documented call, and whether it needs a token. A call that only shows more with a token does not need it. */
function lockedRoutes(document: Document): Map<Route, boolean> {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { security }]) => ({ path, method, security })),
  );
  return new Map(
    operations.map(({ path, method, security }) => [
      `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '1')}`,
      security !== undefined && !security.some((scheme) => Object.keys(scheme).length === 0),
    ]),
  );
}

/** The routes of Fastify. It prints them only as a tree: four columns for each level, then the rest of the path. */
function routesOf(fastify: FastifyInstance): Route[] {
  const parents: string[] = [];
  const tree = fastify.printRoutes({ commonPrefix: false }).split('\n');
  return tree.flatMap((line) => {
    const [, indent, part, methods] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
    if (indent === undefined || part === undefined) return [];
    const path = (parents[indent.length / 4 - 1] ?? '') + part;
    parents[indent.length / 4] = path;
    return (methods?.split(', ') ?? []).map((method): Route => `${method} ${path.replaceAll(/:\w+/g, '1')}`);
  });
}
