import { type CustomTransportStrategy } from '@nestjs/microservices';

/** The pattern under which Nest routes claim batches to the consumer, whatever the topic is called in this deployment. */
export const CLAIM_EVENT_PATTERN = 'coupon_create';

/** Carries the log to the `@EventPattern` handler: the Nest transport strategy of the chosen profile. */
export class ClaimTransport {
  constructor(readonly strategy: CustomTransportStrategy) {}
}
