import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { quietRequestQueues } from './kafkajs-request-queue.js';

interface Queue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  inflight: Map<number, unknown>;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
  destroy(): void;
}

describe('the request queue of kafkajs', () => {
  let queue: Queue;

  beforeEach(() => {
    quietRequestQueues();
    jest.useFakeTimers();
    queue = new (RequestQueue as unknown as new (options: object) => Queue)({
      maxInFlightRequests: null,
      requestTimeout: 1_000,
      enforceRequestTimeout: true,
      clientId: 'test',
      broker: 'test',
      logger: { debug: () => undefined, warn: () => undefined },
    });
  });
  afterEach(() => {
    queue.destroy();
    jest.useRealTimers();
  });

  it('sets no timer while nothing waits', () => {
    queue.checkPendingRequests();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends what waits when the throttling ends, and then is quiet again', () => {
    let sent = 0;
    queue.throttledUntil = Date.now() + 200;
    queue.pending.push({ send: () => (sent += 1), expectResponse: true, correlationId: 1, pendingDuration: 0 });
    queue.scheduleCheckPendingRequests();
    jest.advanceTimersByTime(199);
    expect(sent).toBe(0);
    jest.advanceTimersByTime(20);
    expect(sent).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });
});
