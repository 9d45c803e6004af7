import { type Logger } from '@nestjs/common';
import { type Clock } from './clock.js';

/** One line of the log when something begins to fail and one when it works again, however often either is met. */
export class OutageLog {
  /** By what fails, monotonic, ms. */
  private readonly began = new Map<string, number>();

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
    private readonly level: 'warn' | 'error' = 'warn',
  ) {}

  /** @param what where several things fail one by one. */
  failed(text: string, what = ''): void {
    if (this.began.has(what)) return;
    this.began.set(what, this.clock.monotonic());
    this.logger[this.level](text);
  }

  /** @param text is followed by how long it lasted. */
  recovered(text: string, what = ''): void {
    const began = this.began.get(what);
    if (began === undefined) return;
    this.began.delete(what);
    this.logger.log(`${text}, after ${((this.clock.monotonic() - began) / 1_000).toFixed(1)} s`);
  }
}
