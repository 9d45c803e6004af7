import { Module } from '@nestjs/common';
import { Clock, systemClock } from './clock.js';
import { Entropy, SystemEntropy } from './entropy.js';
import { Timers, systemTimers } from './timers.js';

/** Time and chance as ports: a simulation provides its own, and decides then what happens when. */
@Module({
  providers: [
    { provide: Clock, useValue: systemClock },
    { provide: Timers, useValue: systemTimers },
    { provide: Entropy, useClass: SystemEntropy },
  ],
  exports: [Clock, Timers, Entropy],
})
export class FlowModule {}
