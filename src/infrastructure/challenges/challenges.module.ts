import { Global, Module } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { ChallengeVerifiers } from '../../ports/entry/challenge-verifier.js';
import { ProofOfWork } from './proof-of-work.js';
import { Turnstile } from './turnstile.js';

/** The challenges, the same in both profiles. */
@Global()
@Module({
  providers: [
    {
      provide: ChallengeVerifiers,
      useFactory: ({ entry: { turnstile } }: AppConfig): ChallengeVerifiers => {
        const verifiers = {
          'proof-of-work': new ProofOfWork(),
          turnstile: turnstile && new Turnstile(turnstile.url, turnstile.secret),
        };
        return { of: (kind) => verifiers[kind] };
      },
      inject: [AppConfig],
    },
  ],
  exports: [ChallengeVerifiers],
})
export class ChallengesModule {}
