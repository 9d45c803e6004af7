import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import { type OpenAPIObject } from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { pathOf } from '../problem/problem.js';
import { ANSWERS_FROM_MEMORY } from '../reads/read-admission.js';
import { type ConstantFile, constantAnswer, serveConstantFile } from '../output/constant-file.js';

const require = createRequire(import.meta.url);

/** Swagger UI's own files, its icons as data URLs, and calls to the service. No inline script and no inline style. */
const PAGE_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  // The service speaks plain HTTP. Whether a browser may ever use that is for the proxy in front to say.
  strictTransportSecurity: false,
};

/** The files of the package swagger-ui-dist that the page needs. */
const UI_FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
  'favicon-16x16.png': 'image/png',
};

/** The script finds the document relative to itself, so a proxy may put any path in front. */
const INIT_SCRIPT = `const documentUrl = new URL('../docs-json', document.currentScript.src).href;
window.addEventListener('load', () => {
  window.ui = SwaggerUIBundle({
    url: documentUrl,
    dom_id: '#swagger-ui',
    deepLinking: true,
    persistAuthorization: false,
  });
});
`;

/** @param files the path of the page's files, relative to the page. */
const page = (files: string): string => `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Coupons API</title>
    <link rel="stylesheet" href="${files}swagger-ui.css" />
    <link rel="icon" type="image/png" href="${files}favicon-32x32.png" sizes="32x32" />
    <link rel="icon" type="image/png" href="${files}favicon-16x16.png" sizes="16x16" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="${files}swagger-ui-bundle.js"></script>
    <script src="${files}swagger-ui-init.js"></script>
  </body>
</html>
`;

/**
 * Serves Swagger UI at /docs and the document at /docs-json. SwaggerModule could serve them, but it serialises the
 * document for every request and reads the UI's files from disk.
 *
 * @param document is called once, before the port opens.
 */
export function serveOpenApiPages(fastify: FastifyInstance, document: () => OpenAPIObject): void {
  serveConstantFile(fastify, '/docs-json', () => text('application/json; charset=utf-8', JSON.stringify(document())));
  // In a context of its own: the hooks of helmet run for its routes alone, and claims pay nothing for them.
  void fastify.register(async (pages) => {
    await pages.register(helmet, PAGE_HEADERS);
    servePage(pages);
    for (const [name, contentType] of Object.entries(UI_FILES)) {
      const load = async () => ({ contentType, body: await readFile(require.resolve(`swagger-ui-dist/${name}`)) });
      serveConstantFile(pages, `/docs/${name}`, load);
    }
  });
}

function servePage(pages: FastifyInstance): void {
  const html = 'text/html; charset=utf-8';
  const besideFiles = constantAnswer(pages, () => text(html, page('./')));
  const aboveFiles = constantAnswer(pages, () => text(html, page('./docs/')));
  // The router treats /docs and /docs/ as one path, but a browser resolves relative links differently.
  pages.get('/docs', ANSWERS_FROM_MEMORY, (request, reply) =>
    (pathOf(request.url).endsWith('/') ? besideFiles : aboveFiles)(request, reply),
  );
  serveConstantFile(pages, '/docs/swagger-ui-init.js', () => text('text/javascript; charset=utf-8', INIT_SCRIPT));
}

function text(contentType: string, body: string): ConstantFile {
  return { contentType, body: Buffer.from(body) };
}
