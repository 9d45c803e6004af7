import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type KafkaClaimLog } from '../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer } from '../../src/infrastructure/kafka/kafka-claim-server.js';
import { type KafkaConfig } from '../../src/platform/config/config-parts.js';
import { type ClaimBatchContext } from '../../src/ports/log/claim-batch.context.js';
import { type LogRecord } from '../../src/ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../src/ports/log/claim-transport.js';

/** A consumer that settles every message. */
export interface SettlingConsumer {
  readonly records: readonly LogRecord[];
  /** The reasons for which the process should have ended. */
  readonly fatal: readonly string[];
  close(): Promise<void>;
}

export async function startConsumer(config: KafkaConfig, log: KafkaClaimLog): Promise<SettlingConsumer> {
  const records: LogRecord[] = [];
  const fatal: string[] = [];

  @Controller()
  class SettlingController {
    @EventPattern(CLAIM_EVENT_PATTERN)
    handle(@Payload() batch: LogRecord[], @Ctx() context: unknown): void {
      records.push(...batch);
      (context as ClaimBatchContext).settle(batch.length);
    }
  }
  @Module({ controllers: [SettlingController] })
  class SettlingModule {}

  const strategy = new KafkaClaimServer(config, log, (reason) => fatal.push(reason));
  const service = await NestFactory.createMicroservice(SettlingModule, { strategy, logger: false });
  await service.listen();
  return { records, fatal, close: () => service.close() };
}
