import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { type RequestObserver } from '../observation/request-observer.js';
import { languageOf } from '../problem/language.js';
import { pathOf, problemBody, type ProblemHeaders, problemHeaders } from '../problem/problem.js';
import { PROBLEMS, type ProblemCode } from '../problem/problems.js';
import { nextRequestId, REQUEST_ID_HEADER, requestIdOf } from '../server/request-id.js';

const CODES: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large',
};

/** How long a refused client may go on sending before it is cut off, in ms. */
const LINGER_MS = 1000;

const answered = new WeakSet<Socket>();

type InFlight = ServerResponse & { readonly req: IncomingMessage };

/**
 * Answers what Node's parser refuses, and closes. There is no request object to answer to, so the response is written to
 * the socket by hand.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, observer: RequestObserver): void {
  // The parser reports again with every packet that still arrives.
  if (answered.has(socket)) return;

  answered.add(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  refuse(socket, CODES[error.code ?? ''] ?? 'bad-request', observer);
}

/**
 * Answers a request that Node handed over together with its socket, after the answers to those before it on the same
 * connection, and closes.
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

/** Every request that came before the fault is owed its own answer first: the caller would take this one for its. */
function refuse(socket: Socket, code: ProblemCode, observer: RequestObserver): void {
  const inFlight = inFlightOn(socket);
  if (inFlight === undefined) {
    // The rest of a request that has its answer: another one would be taken for the next request's.
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

/** What Node notes on a socket. Not public, but the only way to know what is under way; its own handler looks at it too. */
interface HttpSocket {
  readonly _httpMessage?: InFlight | null;
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null;
}

/** The answer that is being made or written. */
function inFlightOn(socket: Socket & HttpSocket): InFlight | undefined {
  return socket._httpMessage ?? undefined;
}

/** The request that was read last, or of which a part has been read. */
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
  // CONNECT names a host, and no path.
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
  observer.unparsed({ method: request?.method, path: instance, status, requestId, address, bytes });
  hangUp(socket);
}

/** Sends what was written, and ends the connection. */
function hangUp(socket: Socket): void {
  socket.end();
  // Closing at once while the client still sends makes the kernel reset the connection, and the reset can overtake the
  // answer. So what still comes is read and dropped for a moment.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  cut.unref();
  socket.once('close', () => clearTimeout(cut));
}
