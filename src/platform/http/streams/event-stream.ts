import { type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/** After so many frames in a row that found the one before unsent, the stream is dropped. */
const MOST_MISSED = 10;

/**
 * One caller that receives server-sent events. What is in memory for it never grows: while bytes of it wait to be sent,
 * further frames are left out.
 */
export class EventStream {
  private missed = 0;
  private open = true;

  /**
   * @param response hijacked, with its headers sent. It is the last one of its connection.
   * @param mayStay asked every now and then, since a credential may have been taken back; false ends the stream.
   */
  constructor(
    private readonly response: ServerResponse,
    private readonly socket: Socket,
    readonly mayStay: (() => Promise<boolean>) | null,
  ) {
    // Node tells a response that waits behind another one nothing of the end of its connection.
    socket.once('close', () => (this.open = false));
    // The caller may close its half and get its answers. Of a stream there is no last one: it has hung up.
    // mutant: a-half-closed-watcher-stays
    socket.once('end', () => socket.destroy());
    // Without a listener, an error of a broken connection would end the process.
    response.on('error', () => socket.destroy());
  }

  get isOpen(): boolean {
    return this.open;
  }

  onClose(listener: () => void): void {
    this.socket.once('close', listener);
  }

  /**
   * Sends a frame, or leaves it out while the caller has not taken the last one.
   * @returns false when the caller takes nothing: it was dropped.
   */
  send(frame: Buffer): boolean {
    if (!this.open) return true;
    // mutant: a-slow-watcher-is-buffered
    if (this.response.writableLength === 0) {
      this.missed = 0;
      this.response.write(frame);
      return true;
    }
    this.missed += 1;
    if (this.missed < MOST_MISSED) return true;
    this.open = false;
    this.socket.destroy();
    return false;
  }

  /** Ends it in order, with this last frame. The caller connects again. */
  end(frame: Buffer): void {
    if (!this.open) return;
    this.open = false;
    this.response.end(frame);
  }
}
