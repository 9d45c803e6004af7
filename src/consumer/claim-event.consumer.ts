import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { ClaimBatchContext } from '../events/claim-batch.context.js';
import { CLAIM_EVENT_PATTERN } from '../events/claim-event.js';
import { type LogRecord } from '../events/claim-log.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';

/** Where the log enters the service: a batch of records as they lie there. */
@Controller()
export class ClaimEventConsumer {
  constructor(@Inject(ClaimBatchConsumer) private readonly consumer: ClaimBatchConsumer) {}

  @EventPattern(CLAIM_EVENT_PATTERN)
  onClaims(@Payload() records: readonly LogRecord[], @Ctx() context: unknown): Promise<void> {
    // Nest types the context by the transport; both of ours pass this one.
    return this.consumer.consume(records, context as ClaimBatchContext);
  }
}
