import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance } from 'fastify';
import { serveConstantFile } from '../output/constant-file.js';
import { ANSWERS_FROM_MEMORY } from '../reads/read-admission.js';

/** What the build made of `web/`. The path is right from the sources and from the built service. */
const BUILT = fileURLToPath(new URL('../../../../dist/web/', import.meta.url));

/** The page of each address. Every address of the console is one page, which looks at the address itself. */
const SHOP = ['/', '/drop/:campaignId'];
const CONSOLE = ['/console', '/console/*'];

/** The pages' own scripts and styles, and calls to the service. Nothing inline, nothing from elsewhere. */
const PAGE_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      frameAncestors: ["'none'"],
      // Each page names the path that a proxy has put in front.
      baseUri: ["'self'"],
      formAction: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  // The service speaks plain HTTP. Whether a browser may ever use that is for the proxy in front to say.
  strictTransportSecurity: false,
};

/** Are there pages to serve? They are not, where only the sources run. */
export function hasPages(directory = BUILT): boolean {
  return existsSync(join(directory, 'shop.html'));
}

/**
 * Serves the shopper's page at / and /drop/:campaignId, the console at /console, and their files at /assets.
 *
 * @param basePath the prefix that a proxy in front removes from the path.
 */
export function servePages(fastify: FastifyInstance, basePath = '', directory = BUILT): void {
  // In a context of its own: the hooks of helmet run for its routes alone, and claims pay nothing for them.
  void fastify.register(async (pages) => {
    await pages.register(helmet, PAGE_HEADERS);
    await pages.register(fastifyStatic, { root: directory, serve: false, preCompressed: true });
    // The name of each file holds a hash of its content, so an address never gets another content.
    pages.get('/assets/*', ANSWERS_FROM_MEMORY, ({ params }, reply) =>
      reply.sendFile(`assets/${(params as { '*': string })['*']}`, { immutable: true, maxAge: '365d' }),
    );
    for (const [paths, file] of [
      [SHOP, 'shop.html'],
      [CONSOLE, 'console.html'],
    ] as const) {
      for (const path of paths) serveConstantFile(pages, path, () => page(join(directory, file), basePath));
    }
  });
}

async function page(file: string, basePath: string): Promise<{ contentType: string; body: Buffer }> {
  const html = await readFile(file, 'utf8');
  const body = Buffer.from(html.replace('<base href="/"', `<base href="${basePath}/"`));
  return { contentType: 'text/html; charset=utf-8', body };
}
