import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ClaimLog } from '../../events/claim-log.js';
import { ClaimTransport } from '../../events/claim-transport.js';
import { GateBuilder } from '../../gate/gate-builder.js';
import { IssuanceGate } from '../../gate/issuance-gate.js';
import { Database } from '../../persistence/database.js';
import { InProcessGateBuilder } from './in-process-gate-builder.js';
import { InProcessGateMemory } from './in-process-gate-memory.js';
import { InProcessIssuanceGate } from './in-process-issuance-gate.js';
import { JournalClaimLog } from './journal-claim-log.js';
import { JournalServer } from './journal-server.js';
import { SqliteConnection } from './sqlite-connection.js';
import { SqliteDatabase } from './sqlite-database.js';

/** Every port of the service, served by this one process and one file. */
@Global()
@Module({})
export class EmbeddedModule {
  /** @param dataDirectory where `coupon.sqlite` lies; made when it is missing. */
  static in(dataDirectory: string): DynamicModule {
    return {
      module: EmbeddedModule,
      providers: [
        { provide: SqliteConnection, useFactory: () => SqliteConnection.open(dataDirectory) },
        { provide: Database, useClass: SqliteDatabase },
        InProcessGateMemory,
        { provide: IssuanceGate, useClass: InProcessIssuanceGate },
        { provide: GateBuilder, useClass: InProcessGateBuilder },
        JournalClaimLog,
        { provide: ClaimLog, useExisting: JournalClaimLog },
        {
          provide: ClaimTransport,
          useFactory: (journal: JournalClaimLog) => new ClaimTransport(new JournalServer(journal)),
          inject: [JournalClaimLog],
        },
      ],
      exports: [Database, IssuanceGate, GateBuilder, ClaimLog, ClaimTransport],
    };
  }
}
