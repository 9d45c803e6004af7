import { Logger } from '@nestjs/common';
import { type BaseRpcContext, type CustomTransportStrategy, type ReadPacket, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { systemClock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { CLAIM_EVENT_PATTERN } from '../../ports/log/claim-transport.js';
import { ConsumerPace, SPACING_MS } from './consumer-pace.js';
import { JOURNAL_PARTITION, type JournalClaimLog } from './journal-claim-log.js';

/** Records handed to the handler at once. */
const BATCH = 500;
/** How long the partition rests after the handler gave up on a batch, ms. */
const PAUSE_MS = 1_000;

/**
 * Feeds the journal to the `@EventPattern` handler, in arrays, from the stored offset on. Records that the handler did
 * not settle are delivered again.
 */
export class JournalClaimServer extends Server implements CustomTransportStrategy {
  protected override readonly logger = new Logger(JournalClaimServer.name);
  private readonly outage = new OutageLog(this.logger, systemClock, 'error');
  private closing = false;
  private loop: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private appended = false;
  /** The offset of the first record that is not settled; null until it was read. Only this server moves it. */
  private next: number | null = null;

  /** @param pauseMs how long the partition rests after the handler gave up on a batch. */
  constructor(
    private readonly journal: JournalClaimLog,
    private readonly pauseMs = PAUSE_MS,
    private readonly pace: Pick<ConsumerPace, 'worked' | 'restMs'> = new ConsumerPace(),
  ) {
    super();
    journal.onAppended(() => {
      this.appended = true;
      this.wake();
    });
  }

  listen(callback: () => void): void {
    this.loop = this.consume();
    callback();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.wake();
    await this.loop;
  }

  on(): void {
    // The journal has no connection whose events could be listened to.
  }

  unwrap<T>(): T {
    return this.journal as T;
  }

  /** The base class does not wait for the handler. An offset may only be stored when the handler has ended. */
  override async handleEvent(pattern: string, packet: ReadPacket, context: BaseRpcContext): Promise<void> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`nothing handles ${pattern}`);
    await lastValueFrom(this.transformToObservable(await handler(packet.data, context)), { defaultValue: undefined });
  }

  private async consume(): Promise<void> {
    while (!this.closing) {
      try {
        const settledAll = await this.consumeBatch();
        if (!settledAll) await this.rest(this.pauseMs);
      } catch (error) {
        this.outage.failed(`the journal cannot be read: ${(error as Error).message}`);
        await this.rest(this.pauseMs);
      }
    }
  }

  /** True when every record that was read is settled, or when there was none and the wait for more is over. */
  private async consumeBatch(): Promise<boolean> {
    await this.giveWay();
    const began = performance.now();
    this.appended = false;
    this.next ??= (await this.journal.committedOffsets()).get(JOURNAL_PARTITION) ?? 0;
    const records = await this.journal.readPage(this.next, BATCH);
    this.outage.recovered('the journal is read again');
    const first = records[0];
    if (first === undefined) {
      if (!this.appended) await this.rest();
      return true;
    }
    const context = new ClaimBatchContext(
      first.topic,
      JOURNAL_PARTITION,
      records.length,
      () => Promise.resolve(),
      () => this.closing,
    );
    try {
      await this.handleEvent(CLAIM_EVENT_PATTERN, { pattern: CLAIM_EVENT_PATTERN, data: records }, context);
    } catch (error) {
      this.logger.error(`the handler threw after ${context.settledCount} of ${records.length}: ${String(error)}`);
    }
    const lastSettled = records[context.settledCount - 1];
    if (lastSettled !== undefined) {
      this.next = lastSettled.offset + 1;
      await this.journal.settle(this.next);
    }
    this.pace.worked(began, performance.now(), records.length === BATCH);
    return context.settledCount === records.length;
  }

  /** Leaves thread and disk to the claims while they arrive, for as long as the pace says. */
  private async giveWay(): Promise<void> {
    while (this.appended && !this.closing) {
      const restMs = this.pace.restMs(performance.now());
      if (restMs === 0) return;
      this.appended = false;
      await this.rest(Math.min(SPACING_MS, restMs));
    }
  }

  /** Waits `ms`, or until the server closes. Without `ms` it waits until something is appended or the server closes. */
  private async rest(ms?: number): Promise<void> {
    if (this.closing) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = ms === undefined ? resolve : () => (this.closing ? resolve() : undefined);
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.wake = () => undefined;
  }
}
