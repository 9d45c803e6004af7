import { type DynamicModule, Module } from '@nestjs/common';
import { type AppConfig } from '../../platform/config/env.js';
import { warnOfRisk } from '../../platform/config/risks.js';
import { systemClock } from '../../platform/flow/clock.js';
import { exitSoon } from '../../platform/flow/exit-soon.js';
import { Database } from '../../ports/database/database.js';
import { KeyRing } from '../../ports/database/key-ring.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { ClaimTransport } from '../../ports/log/claim-transport.js';
import { InstallationCheck } from './installation-check.js';
import { KafkaClaimLog } from './kafka-claim-log.js';
import { KafkaClaimServer } from './kafka-claim-server.js';
import { TopicCheck } from './topic-check.js';

/** The claim log on Kafka, and for consumers the transport that reads it. */
@Module({})
export class KafkaModule {
  /** @param onFatal ends a process that can consume no more. Tests pass their own. */
  static for(config: AppConfig, onFatal: (reason: string) => void = exitSoon): DynamicModule {
    const { kafka, roles } = config;
    const topicCheck = new TopicCheck((risk, finding) => warnOfRisk(config, risk, finding));
    const consumes = roles.has('consumer');
    const publishes = roles.has('api') || roles.has('retry');
    // A worker reads a spoilt topic, too: otherwise retention would delete acknowledged claims unread.
    const requiresTopic = roles.has('api');
    return {
      module: KafkaModule,
      providers: [
        {
          provide: InstallationCheck,
          useFactory: (database: Database) => new InstallationCheck(database, kafka),
          inject: [Database],
        },
        {
          provide: ClaimLog,
          useFactory: (installationCheck: InstallationCheck, database: Database) =>
            new KafkaClaimLog(kafka, new KeyRing(database, 'event', systemClock), {
              publishes,
              requiresTopic,
              topicCheck,
              installationCheck,
            }),
          inject: [InstallationCheck, Database],
        },
        ...(consumes
          ? [
              {
                provide: ClaimTransport,
                useFactory: (log: ClaimLog, check: InstallationCheck) =>
                  new ClaimTransport(new KafkaClaimServer(kafka, log, onFatal, {}, topicCheck, check)),
                inject: [ClaimLog, InstallationCheck],
              },
            ]
          : []),
      ],
      exports: [ClaimLog, ...(consumes ? [ClaimTransport] : [])],
    };
  }
}
