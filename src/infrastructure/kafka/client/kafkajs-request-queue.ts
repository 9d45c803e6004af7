import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** How often a queue that is full but not throttled looks again, ms: kafkajs's own value. */
const CHECK_MS = 10;

/**
 * kafkajs 2.2.4 schedules its next look at the queue after every answer. When nothing waits, the delay is negative:
 * each connection then wakes up every millisecond, and Node 24 warns of it (tulios/kafkajs#1751). This is the same
 * method without that.
 */
export function quietRequestQueues(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : CHECK_MS,
    );
  };
}
