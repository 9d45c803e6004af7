import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { answerWhenIdle } from '../message/client-error.js';
import { MAX_FIELDS } from '../message/message-fault.js';
import { type RequestObserver } from '../observation/request-observer.js';

/**
 * Makes Node pass on requests that it would answer itself without a body, or drop silently. The hook of every request
 * handles them instead and answers with a problem.
 *
 * @param methods the methods that some path answers. Routes may add more until the first request.
 */
export function prepareServer(server: Server, methods: ReadonlySet<string>, observer: RequestObserver): void {
  // One more than is allowed. Node silently drops headers above its limit, so the service could not see that there were
  // more.
  server.maxHeadersCount = MAX_FIELDS + 1;
  // A caller may close its half of the connection after its last request and still gets its answers. Node closes the
  // other half after the last answer, or at once if none is due. A stream ends with the caller's half. Not in Node's types.
  Object.assign(server, { httpAllowHalfOpen: true });
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    server.emit('request', request, response);
  };
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    // Node has removed its own listener. An error without a listener would end the process.
    socket.on('error', () => socket.destroy());
    answerWhenIdle(socket, 'method-not-allowed', request, observer, { allow: [...methods].join(', ') });
  });
}
