import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../ports/log/claim-transport.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';

/**
 * Takes a batch of records from the transport. Nest would return errors to the transport as ordinary values, also those
 * of pipes and filters before this method. So the transport trusts only what was settled through the context.
 */
@Controller()
export class ClaimEventsController {
  constructor(private readonly consumer: ClaimBatchConsumer) {}

  @EventPattern(CLAIM_EVENT_PATTERN)
  onClaims(@Payload() records: LogRecord[], @Ctx() context: unknown): Promise<void> {
    // Nest leaves the type of the context to the transport; both of ours pass this one.
    return this.consumer.consume(records, context as ClaimBatchContext);
  }
}
