import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { type RequestObserver } from '../observation/request-observer.js';
import { languageOf } from '../problem/accept-language.js';
import { PROBLEMS, type ProblemCode } from '../problem/problem-catalogue.js';
import { pathOf, problemBody, type ProblemHeaders, problemHeaders } from '../problem/problem.js';
import { nextRequestId, REQUEST_ID_HEADER, requestIdOf } from '../server/request-id.js';

const CODES: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large',
};

/** How long a refused caller may go on sending before the connection is cut, ms. */
const LINGER_MS = 1000;

const answered = new WeakSet<Socket>();

type InFlight = ServerResponse & { readonly req: IncomingMessage };

/**
 * Answers a request that Node's parser refused, and closes the connection. There is no request object, so this function
 * writes the answer to the socket itself.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, observer: RequestObserver): void {
  // The parser reports the error again with each packet that still arrives.
  if (answered.has(socket)) return;

  answered.add(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  refuse(socket, CODES[error.code ?? ''] ?? 'bad-request', observer);
}

/**
 * Answers a request that Node handed over together with its socket, and closes the connection. Earlier requests on the
 * same connection get their answers first.
 */
export function answerWhenIdle(
  socket: Socket,
  code: ProblemCode,
  request: IncomingMessage,
  observer: RequestObserver,
  headers: ProblemHeaders,
): void {
  const inFlight = inFlightOn(socket);
  if (inFlight === undefined) answer(socket, code, request, observer, headers);
  else inFlight.once('close', () => answerWhenIdle(socket, code, request, observer, headers));
}

/**
 * Sends the refusal after the answers to all earlier requests. Otherwise the caller would take the refusal for one of
 * those answers.
 */
function refuse(socket: Socket, code: ProblemCode, observer: RequestObserver): void {
  const inFlight = inFlightOn(socket);
  if (inFlight === undefined) {
    // The fault is in the rest of a request that already has its answer. The caller would take a second answer for that
    // of its next request.
    if (incomingOn(socket)?.complete === false) hangUp(socket);
    else answer(socket, code, undefined, observer);
  } else if (inFlight.req.complete || inFlight.writableEnded) {
    inFlight.once('close', () => refuse(socket, code, observer));
  } else if (inFlight.headersSent) {
    socket.destroy();
  } else {
    answer(socket, code, inFlight.req, observer);
  }
}

/**
 * Node's notes on a socket. They are not public, but nothing else shows what is under way. Node's own handler uses them
 * too.
 */
interface HttpSocket {
  readonly _httpMessage?: InFlight | null;
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null;
}

/** The answer that is being prepared or written. */
function inFlightOn(socket: Socket & HttpSocket): InFlight | undefined {
  return socket._httpMessage ?? undefined;
}

/** The request that was read last, fully or in part. */
function incomingOn(socket: Socket & HttpSocket): IncomingMessage | undefined {
  return socket.parser?.incoming ?? undefined;
}

function answer(
  socket: Socket,
  code: ProblemCode,
  request: IncomingMessage | undefined,
  observer: RequestObserver,
  more: ProblemHeaders = {},
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status } = PROBLEMS[code];
  const language = languageOf(request?.headers['accept-language']);
  const requestId = request === undefined ? nextRequestId() : requestIdOf(request);
  // CONNECT names a host, not a path.
  const instance = request?.url?.startsWith('/') === true ? pathOf(request.url) : undefined;
  const body = problemBody(code, language, instance, requestId);
  const bytes = Buffer.byteLength(body);
  const headers = {
    ...problemHeaders(code, language),
    ...more,
    [REQUEST_ID_HEADER]: requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-length': String(bytes),
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  const address = socket.remoteAddress;
  observer.recordUnparsed({ method: request?.method, path: instance, status, requestId, address, bytes });
  hangUp(socket);
}

/** Sends the rest of the answer, and ends the connection. */
function hangUp(socket: Socket): void {
  socket.end();
  // If the process closed at once while the caller still sends, the kernel would reset the connection, and the reset
  // can overtake the answer. So read and drop what still comes for a moment.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  cut.unref();
  socket.once('close', () => clearTimeout(cut));
}
