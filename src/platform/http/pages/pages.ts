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
const PAGES = [
  { path: '/', file: 'shop.html' },
  { path: '/console', file: 'console.html' },
  { path: '/console/*', file: 'console.html' },
];
/** The one page that a shop may show in a frame of its own. */
const DROP = { path: '/drop/:campaignId', file: 'shop.html' };
/** The script with which it does. Its name is in other people's pages, so it holds no hash. */
const EMBED = 'embed.js';

/**
 * The pages' own scripts and styles, and calls to the service. Nothing inline, nothing from elsewhere.
 * @param embedders the origins whose pages may show the page in a frame.
 */
const headersFor = (embedders: readonly string[]): FastifyHelmetOptions => ({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      frameAncestors: embedders.length === 0 ? ["'none'"] : [...embedders],
      // Each page names the path that a proxy has put in front.
      baseUri: ["'self'"],
      formAction: ["'none'"],
    },
  },
  // The header knows no list of origins. Browsers go by the policy above.
  xFrameOptions: embedders.length === 0 ? { action: 'deny' } : false,
  // The service speaks plain HTTP. Whether a browser may ever use that is for the proxy in front to say.
  strictTransportSecurity: false,
});

/** Are there pages to serve? They are not, where only the sources run. */
export function hasPages(directory = BUILT): boolean {
  return existsSync(join(directory, 'shop.html'));
}

/**
 * Serves the shopper's page at / and /drop/:campaignId, the console at /console, their files at /assets, and the script
 * with which shops show a drop in their own pages at /embed.js.
 *
 * @param basePath the prefix that a proxy in front removes from the path.
 * @param embedders the origins whose pages may show a drop in a frame.
 */
export function servePages(
  fastify: FastifyInstance,
  basePath = '',
  embedders: readonly string[] = [],
  directory = BUILT,
): void {
  // In a context of its own: the hooks of helmet run for its routes alone, and claims pay nothing for them.
  void fastify.register(async (pages) => {
    await pages.register(helmet, headersFor([]));
    await pages.register(fastifyStatic, { root: directory, serve: false, preCompressed: true });
    // The name of each file holds a hash of its content, so an address never gets another content.
    pages.get('/assets/*', ANSWERS_FROM_MEMORY, ({ params }, reply) =>
      reply.sendFile(`assets/${(params as { '*': string })['*']}`, { immutable: true, maxAge: '365d' }),
    );
    for (const { path, file } of PAGES) {
      serveConstantFile(pages, path, () => page(join(directory, file), basePath));
    }
  });
  void fastify.register(async (pages) => {
    await pages.register(helmet, headersFor(embedders));
    serveConstantFile(pages, DROP.path, () => page(join(directory, DROP.file), basePath));
  });
  void fastify.register(async (scripts) => {
    // Pages of other origins load it. What it does there is theirs to allow.
    await scripts.register(helmet, { ...headersFor([]), crossOriginResourcePolicy: { policy: 'cross-origin' } });
    serveConstantFile(scripts, `/${EMBED}`, async () => ({
      contentType: 'text/javascript; charset=utf-8',
      body: await readFile(join(directory, EMBED)),
    }));
  });
}

async function page(file: string, basePath: string): Promise<{ contentType: string; body: Buffer }> {
  const html = await readFile(file, 'utf8');
  const body = Buffer.from(html.replace('<base href="/"', `<base href="${basePath}/"`));
  return { contentType: 'text/html; charset=utf-8', body };
}
