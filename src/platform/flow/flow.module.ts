import { Module } from '@nestjs/common';
import { Clock, systemClock } from './clock.js';
import { Entropy, SystemEntropy } from './entropy.js';
import { Timers, systemTimers } from './timers.js';

/** Time and chance as ports. A simulation provides its own and so decides when things happen. */
@Module({
  providers: [
    { provide: Clock, useValue: systemClock },
    { provide: Timers, useValue: systemTimers },
    { provide: Entropy, useClass: SystemEntropy },
  ],
  exports: [Clock, Timers, Entropy],
})
export class FlowModule {}
