import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { languageOf } from './language.js';
import { pathOf, PROBLEMS, problemBody, type ProblemCode, type ProblemHeaders, problemHeaders } from './problem.js';
import { nextRequestId, REQUEST_ID_HEADER, requestIdOf } from './request-id.js';
import { type RequestObserver } from './request-observer.js';

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
  if (answered.has(socket)) {
    return;
  }
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
  if (inFlight === undefined) {
    answer(socket, code, request, observer, headers);
  } else {
    inFlight.once('close', () => answerWhenIdle(socket, code, request, observer, headers));
  }
}

/** Every request that came before the fault is owed its own answer first: the caller would take this one for its. */
function refuse(socket: Socket, code: ProblemCode, observer: RequestObserver): void {
  const inFlight = inFlightOn(socket);
  if (inFlight === undefined) {
    answer(socket, code, undefined, observer);
  } else if (inFlight.req.complete) {
    inFlight.once('close', () => refuse(socket, code, observer));
  } else if (inFlight.headersSent) {
    socket.destroy();
  } else {
    answer(socket, code, inFlight.req, observer);
  }
}

/** Not public, but the only way to know that an answer is under way; Node's own handler looks at it too. */
function inFlightOn(socket: Socket): InFlight | undefined {
  return (socket as Socket & { readonly _httpMessage?: InFlight | null })._httpMessage ?? undefined;
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
  const instance = request?.url === undefined ? undefined : pathOf(request.url);
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
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  const address = socket.remoteAddress;
  observer.unparsed({ method: request?.method, path: instance, status, requestId, address, bytes });
  // Closing at once while the client still sends makes the kernel reset the connection, and the reset can overtake the
  // answer. So what still comes is read and dropped for a moment.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  cut.unref();
  socket.once('close', () => clearTimeout(cut));
}
