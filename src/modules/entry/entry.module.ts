import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { EntryCheck } from '../../ports/entry/entry-check.js';
import { EntryBook } from './entry-book.js';
import { EntryDesk } from './entry-desk.js';
import { EntryController } from './entry.controller.js';
import { EntryMetrics } from './entry.metrics.js';

/** What is checked before a claim: hands out entry tokens, and tells the claims whether theirs is good. */
@Module({})
export class EntryModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: EntryModule,
      imports: [FlowModule, MetricsModule],
      providers: [EntryBook, { provide: EntryCheck, useExisting: EntryBook }, EntryDesk, EntryMetrics, ResourcePaths],
      // Global: the claims ask, and the one instance that answers depends on the roles.
      global: true,
      exports: [EntryBook, EntryCheck],
      controllers: roles.has('api') ? [EntryController] : [],
    };
  }
}
