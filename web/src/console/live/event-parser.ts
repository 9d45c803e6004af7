/** One server-sent event. */
export interface ServerEvent {
  readonly id: string;
  readonly data: string;
}

/**
 * Reads server-sent events out of the text of a stream, in whatever pieces it arrives
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 */
export class EventParser {
  /** How long the service asks to wait before the next connection, ms; null until it does. */
  retryMs: number | null = null;
  private rest = '';
  private data: string[] = [];
  private id = '';

  /** @returns the events that are whole now. */
  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === '') {
      const { data, id } = this;
      this.data = [];
      return data.length === 0 ? [] : [{ id, data: data.join('\n') }];
    }
    const [, field = '', value = ''] = /^([^:]*)(?::[ ]?(.*))?$/.exec(line) ?? [];
    if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return [];
  }
}
