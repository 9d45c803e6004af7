import { type IncomingMessage, type ServerResponse } from 'node:http';
import { REQUEST_ID_HEADER, requestIdOf } from '../server/request-id.js';
import { languageOf } from './accept-language.js';
import { type ProblemCode, PROBLEMS } from './problem-catalogue.js';
import { pathOf, problemBody, problemHeaders } from './problem.js';

/** Refuses a request before Fastify sees it, and closes its connection. */
export function refuse(request: IncomingMessage, response: ServerResponse, code: ProblemCode): void {
  const language = languageOf(request.headers['accept-language']);
  const requestId = requestIdOf(request);
  const body = problemBody(code, language, pathOf(request.url ?? ''), requestId);
  response.writeHead(PROBLEMS[code].status, {
    ...problemHeaders(code, language),
    [REQUEST_ID_HEADER]: requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
