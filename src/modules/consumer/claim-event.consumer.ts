import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../ports/log/claim-transport.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';

/**
 * Where the log enters the service: a batch of records as they lie there. Errors would come back to the transport as
 * ordinary values, those of pipes and filters before this method included; so the transport believes nothing but what
 * was settled through the context.
 */
@Controller()
export class ClaimEventConsumer {
  constructor(private readonly consumer: ClaimBatchConsumer) {}

  @EventPattern(CLAIM_EVENT_PATTERN)
  onClaims(@Payload() records: LogRecord[], @Ctx() context: unknown): Promise<void> {
    // Nest leaves the type of a context to its transport; every transport of ours hands out this one.
    return this.consumer.consume(records, context as ClaimBatchContext);
  }
}
