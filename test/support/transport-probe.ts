import 'reflect-metadata';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, type CustomTransportStrategy, EventPattern, Payload } from '@nestjs/microservices';
import { decodeClaimEvent } from '../../src/domain/claim.js';
import { type ClaimBatchContext } from '../../src/ports/log/claim-batch.context.js';
import { type ClaimLog, type LogRecord } from '../../src/ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../src/ports/log/claim-transport.js';
import { claimEvent } from './claims.js';
import { until } from './until.js';

/** @param member the name that the test gave to the consumer. */
export type Handler = (records: readonly LogRecord[], context: ClaimBatchContext, member: string) => Promise<void>;

export const settleAll: Handler = async (records, context) => context.settle(records.length);

export interface Delivery {
  readonly member: string;
  readonly partition: number;
  /** The code of what is wrong, for a record that is no claim. */
  readonly claimIds: string[];
}

/** Consumers with a handler that the test chooses, the deliveries they got, and a publisher of claims for them. */
export class TransportProbe {
  readonly deliveries: Delivery[] = [];
  private readonly running = new Set<INestMicroservice>();
  private handler = settleAll;

  constructor(
    private readonly log: () => ClaimLog,
    private readonly patienceMs: number,
  ) {}

  handleWith(handler: Handler): void {
    this.handler = handler;
  }

  async start(strategy: CustomTransportStrategy, member = 'a'): Promise<INestMicroservice> {
    const service = await NestFactory.createMicroservice(this.moduleFor(member), { strategy, logger: false });
    await service.listen();
    this.running.add(service);
    return service;
  }

  /** @returns how long it took, ms. */
  async close(service: INestMicroservice): Promise<number> {
    this.running.delete(service);
    const begun = performance.now();
    await service.close();
    return performance.now() - begun;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.running].map((service) => this.close(service)));
  }

  delivered(): string[] {
    return this.deliveries.flatMap(({ claimIds }) => claimIds);
  }

  async publish(count: number): Promise<string[]> {
    const events = Array.from({ length: count }, () => claimEvent());
    await Promise.all(events.map((event) => this.log().publish(event)));
    return events.map(({ claimId }) => claimId);
  }

  everythingSettled(patienceMs = this.patienceMs): Promise<unknown> {
    return until('everything is settled', async () => (await this.waiting()) === 0, patienceMs);
  }

  private async waiting(): Promise<number> {
    const log = this.log();
    const [start, end] = [await log.startOffsets(), await log.endOffsets()];
    const settled = await log.committedOffsets();
    return [...end].reduce((sum, [partition, last]) => {
      return sum + last - (settled.get(partition) ?? start.get(partition) ?? 0);
    }, 0);
  }

  private moduleFor(member: string) {
    const handle = (records: readonly LogRecord[], context: ClaimBatchContext) => {
      this.deliveries.push({ member, partition: context.partition, claimIds: records.map(claimIdOf) });
      return this.handler(records, context, member);
    };
    @Controller()
    class ProbeController {
      @EventPattern(CLAIM_EVENT_PATTERN)
      handle(@Payload() records: LogRecord[], @Ctx() context: unknown): Promise<void> {
        return handle(records, context as ClaimBatchContext);
      }
    }
    @Module({ controllers: [ProbeController] })
    class ProbeModule {}
    return ProbeModule;
  }
}

function claimIdOf({ value }: LogRecord): string {
  const decoded = decodeClaimEvent(value);
  return decoded.kind === 'claim' ? decoded.event.claimId : decoded.code;
}
