import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { SearchController } from './search.controller.js';
import { UserStories } from './user-stories.js';

/** Answers support's questions about one user. */
@Module({ imports: [GateWatchModule], providers: [UserStories] })
export class SearchModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: SearchModule, controllers: roles.has('api') ? [SearchController] : [] };
  }
}
