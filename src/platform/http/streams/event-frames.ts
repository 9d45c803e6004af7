/** Server-sent events as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

/** @param id what a caller shows as `Last-Event-ID` when it connects again. */
export function eventFrame(json: unknown, id: number): Buffer {
  // JSON has no line break, which would end the field.
  return Buffer.from(`id: ${id}\ndata: ${JSON.stringify(json)}\n\n`);
}

/** Tells the caller how long to wait before it connects again, ms. */
export function retryFrame(ms: number): Buffer {
  return Buffer.from(`retry: ${ms}\n\n`);
}

/** A comment, which callers ignore: proxies end a connection that is silent. */
export const HEARTBEAT = Buffer.from(': still here\n\n');
