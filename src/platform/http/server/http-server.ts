import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { answerWhenIdle } from '../message/client-error.js';
import { MAX_FIELDS } from '../message/message-fault.js';
import { type RequestObserver } from '../observation/request-observer.js';

/**
 * Makes Node hand on what it would decide itself, without a body or without a word: the hook of every request decides
 * it instead, and answers with a problem.
 *
 * @param methods those that some path answers; they may become more until the first request.
 */
export function prepareServer(server: Server, methods: ReadonlySet<string>, observer: RequestObserver): void {
  // One more than is taken: Node drops what is above its limit, and then nothing shows that there was more.
  server.maxHeadersCount = MAX_FIELDS + 1;
  // A caller that has sent everything and closed its half of the connection is owed its answer. Node then closes the
  // other half after the last answer, and at once where none is due. Not in Node's types.
  Object.assign(server, { httpAllowHalfOpen: true });
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    server.emit('request', request, response);
  };
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    // Node has taken its own listener away: an error without one ends the process.
    socket.on('error', () => socket.destroy());
    answerWhenIdle(socket, 'method-not-allowed', request, observer, { allow: [...methods].join(', ') });
  });
}
