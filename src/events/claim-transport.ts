import { type CustomTransportStrategy } from '@nestjs/microservices';

/** Carries the log to the `@EventPattern` handler: the Nest transport strategy of the chosen profile. */
export class ClaimTransport {
  constructor(readonly strategy: CustomTransportStrategy) {}
}
