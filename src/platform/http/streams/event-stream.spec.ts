import { EventEmitter } from 'node:events';
import { type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventStream } from './event-stream.js';

/** A connection whose caller takes what it is sent, or does not. */
class Wire extends EventEmitter {
  readonly sent: string[] = [];
  taken = true;
  destroyed = false;
  ended = false;

  get writableLength(): number {
    return this.taken ? 0 : 100;
  }

  write(frame: Buffer): void {
    this.sent.push(String(frame));
  }

  end(frame: Buffer): void {
    this.write(frame);
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('a stream of events', () => {
  let wire: Wire;
  let stream: EventStream;
  let closed: number;
  beforeEach(() => {
    wire = new Wire();
    stream = new EventStream(wire as unknown as ServerResponse, wire as unknown as Socket, null);
    closed = 0;
    stream.onClose(() => (closed += 1));
  });
  const send = (text: string): boolean => stream.send(Buffer.from(text));

  it('leaves out what comes while the caller has not taken the frame before', () => {
    send('1');
    wire.taken = false;
    for (const text of ['2', '3', '4']) expect(send(text)).toBe(true);
    wire.taken = true;
    send('5');
    expect(wire.sent).toEqual(['1', '5']);
  });

  it('drops a caller who takes nothing, and keeps nothing for it', () => {
    send('1');
    wire.taken = false;
    const answers = Array.from({ length: 12 }, (_, index) => send(`${index}`));
    expect(answers.indexOf(false)).toBe(9);
    expect([wire.sent, wire.destroyed, stream.isOpen, closed]).toEqual([['1'], true, false, 1]);
  });

  it('does not drop a slow one that takes something now and then', () => {
    for (let n = 0; n < 50; n++) {
      wire.taken = n % 5 === 0;
      expect(send(`${n}`)).toBe(true);
    }
    expect(wire.sent).toHaveLength(10);
  });

  it('ends in order with a last frame, once', () => {
    stream.end(Buffer.from('retry'));
    stream.end(Buffer.from('again'));
    send('more');
    expect([wire.sent, wire.ended, wire.destroyed]).toEqual([['retry'], true, false]);
  });
});
