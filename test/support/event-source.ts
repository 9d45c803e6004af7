import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { until } from './until.js';

export interface ReceivedEvent {
  readonly id: string | undefined;
  // Samples are compared with matchers, field by field.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
}

/** Reads server-sent events as a browser does, and keeps what has come. */
export class EventSource {
  readonly events: ReceivedEvent[] = [];
  retryMs: number | undefined;
  comments = 0;
  ended = false;
  private rest = '';

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.read(text));
    response.once('close', () => (this.ended = true));
    response.on('error', () => undefined);
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventSource> {
    const call = request(url, { headers, agent: false });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    return new EventSource(response);
  }

  /** The first event for which this holds; it may have come already. */
  async find(what: string, holds: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent> {
    return until(what, () => this.events.find(holds));
  }

  close(): void {
    this.response.destroy();
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => {
          const colon = line.indexOf(': ');
          return [line.slice(0, colon), line.slice(colon + 2)] as const;
        }),
      );
      if (block.startsWith(':')) this.comments += 1;
      const retry = fields.get('retry');
      if (retry !== undefined) this.retryMs = Number(retry);
      const data = fields.get('data');
      if (data !== undefined) this.events.push({ id: fields.get('id'), data: JSON.parse(data) });
    }
  }
}
