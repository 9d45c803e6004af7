import { type DynamicModule, Module } from '@nestjs/common';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { DependencyStates } from './dependency-states.js';
import { SystemReport } from './system-report.js';
import { SystemController } from './system.controller.js';

/** Shows operators how the gate, the servers and the processes are. For processes with the role `api`. */
@Module({})
export class SystemModule {
  /** @param live the module that the application has: two would write two reports of one process. */
  static beside(live: DynamicModule): DynamicModule {
    return {
      module: SystemModule,
      imports: [GateWatchModule, live],
      controllers: [SystemController],
      providers: [DependencyStates, SystemReport],
    };
  }
}
