import { type DynamicModule, Global, Logger, Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { exitSoon } from '../platform/flow/exit-soon.js';
import { MetricsRegistry } from '../platform/metrics/metrics-registry.js';
import { MetricsModule } from '../platform/metrics/metrics.module.js';
import { DatabaseSnapshots } from '../ports/database/database-snapshots.js';
import { Database } from '../ports/database/database.js';
import { GateBuilder } from '../ports/gate/gate-builder.js';
import { UnwatchedGate } from '../ports/gate/unwatched-gate.js';
import { ProcessBoard } from '../ports/live/process-board.js';
import { ClaimLog } from '../ports/log/claim-log.js';
import { ClaimTransport } from '../ports/log/claim-transport.js';
import { InProcessBoard } from './in-process-board/in-process-board.js';
import { InProcessGateBuilder } from './in-process-gate/in-process-gate-builder.js';
import { InProcessGateMemory } from './in-process-gate/in-process-gate-memory.js';
import { InProcessIssuanceGate } from './in-process-gate/in-process-issuance-gate.js';
import { JournalClaimLog } from './journal/journal-claim-log.js';
import { JournalClaimServer } from './journal/journal-claim-server.js';
import { assertNotMoved } from './sqlite/assert-not-moved.js';
import { DiskSpaceMetrics } from './sqlite/disk-space.metrics.js';
import { datasync, SqliteConnection } from './sqlite/sqlite-connection.js';
import { SqliteDataSource } from './sqlite/sqlite-data-source.js';
import { SqliteDatabase } from './sqlite/sqlite-database.js';
import { SqliteSnapshots } from './sqlite/sqlite-snapshots.js';

/** Serves every port by this one process and one file. */
@Global()
@Module({})
export class EmbeddedModule {
  /** @param dataDirectory where `coupon.sqlite` lies; made when it is missing. */
  static in(dataDirectory: string): DynamicModule {
    const onFatal = (reason: string) => {
      new Logger(EmbeddedModule.name).fatal(`${reason}; the process ends, since only a start finds out what is on it`);
      exitSoon();
    };
    return {
      module: EmbeddedModule,
      imports: [
        MetricsModule,
        TypeOrmModule.forRootAsync({
          name: SqliteDataSource.NAME,
          // `SqliteConnection` opens it, and tries once: Nest would try again every three seconds, and fail for the
          // same reason.
          useFactory: () => ({ type: 'better-sqlite3', manualInitialization: true }),
          dataSourceFactory: async () => new SqliteDataSource(dataDirectory),
        }),
      ],
      providers: [
        {
          provide: DiskSpaceMetrics,
          useFactory: (registry: MetricsRegistry) => new DiskSpaceMetrics(registry, dataDirectory),
          inject: [MetricsRegistry],
        },
        {
          provide: SqliteConnection,
          useFactory: async (dataSource: SqliteDataSource) => {
            const connection = await SqliteConnection.open(dataSource, datasync, onFatal);
            await assertNotMoved(connection, dataSource);
            return connection;
          },
          inject: [getDataSourceToken(SqliteDataSource.NAME)],
        },
        { provide: Database, useClass: SqliteDatabase },
        { provide: DatabaseSnapshots, useClass: SqliteSnapshots },
        InProcessGateMemory,
        { provide: UnwatchedGate, useClass: InProcessIssuanceGate },
        { provide: GateBuilder, useClass: InProcessGateBuilder },
        { provide: ProcessBoard, useClass: InProcessBoard },
        JournalClaimLog,
        { provide: ClaimLog, useExisting: JournalClaimLog },
        {
          provide: ClaimTransport,
          useFactory: (journal: JournalClaimLog) => new ClaimTransport(new JournalClaimServer(journal)),
          inject: [JournalClaimLog],
        },
      ],
      exports: [Database, DatabaseSnapshots, UnwatchedGate, GateBuilder, ProcessBoard, ClaimLog, ClaimTransport],
    };
  }
}
