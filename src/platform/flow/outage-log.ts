import { type Logger } from '@nestjs/common';
import { type Clock } from './clock.js';

/** Logs one line when something begins to fail and one when it works again, not one for every attempt. */
export class OutageLog {
  /** When each thing began to fail: monotonic, ms. */
  private readonly began = new Map<string, number>();

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
    private readonly level: 'warn' | 'error' = 'warn',
  ) {}

  /** @param what names the thing that fails, if this log serves several. */
  failed(text: string, what = ''): void {
    if (this.began.has(what)) return;
    this.began.set(what, this.clock.monotonic());
    this.logger[this.level](text);
  }

  /** @param text is logged with the length of the outage behind it. */
  recovered(text: string, what = ''): void {
    const began = this.began.get(what);
    if (began === undefined) return;
    this.began.delete(what);
    this.logger.log(`${text}, after ${((this.clock.monotonic() - began) / 1_000).toFixed(1)} s`);
  }
}
