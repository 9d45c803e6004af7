import { Injectable } from '@nestjs/common';
import { isoOf } from '../../domain/iso-of.js';
import { type DiskSpace, diskSpaceOf } from '../../platform/config/disk-space.js';
import { AppConfig } from '../../platform/config/env.js';
import { VERSION } from '../../platform/config/version.js';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { Timers } from '../../platform/flow/timers.js';
import { GATE_OPENED, type RecordedAction } from '../../ports/database/admin-audit-store.js';
import { Database, type DatabaseServer } from '../../ports/database/database.js';
import { type GateRow } from '../../ports/database/gate-row-store.js';
import { type GateServer, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { OwnReport } from '../../ports/live/own-report.js';
import { ProcessBoard, type ProcessReport } from '../../ports/live/process-board.js';
import { ClaimLog, type LogDescription } from '../../ports/log/claim-log.js';
import { lagsOf, type PartitionLag } from '../../ports/log/partition-lag.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { type Dependency } from '../gate-watch/servers-up.js';
import { DependencyStates } from './dependency-states.js';
import { type ProbeOutcome, ServerProbe } from './server-probe.js';
import { Standstill } from './standstill.js';
import { type GateRebuildJson, type SystemJson } from './system-json.js';

/** How old an answer may be, ms: however many look, the servers are asked once in that time. */
const MAX_AGE_MS = 1_000;
/** How long a server may take, ms. All are asked at once. */
const PATIENCE_MS = 2_000;
const REBUILDS_SHOWN = 20;

/** How the gate, the servers and the processes are, from the servers themselves. */
@Injectable()
export class SystemReport {
  private readonly report: SharedRead<SystemJson>;
  private readonly standstill = new Standstill();

  constructor(
    private readonly config: AppConfig,
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly log: ClaimLog,
    private readonly board: ProcessBoard,
    private readonly own: OwnReport,
    private readonly watch: EpochWatch,
    private readonly states: DependencyStates,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    const probes: Probes = {
      redis: this.probe(() => this.gate.describeServer()),
      claimLog: this.probe(() => this.readLog()),
      database: this.probe(() => this.readDatabase()),
      processes: this.probe(() => this.readBoard()),
      disk: this.probe(async () => (config.profile === 'embedded' ? diskSpaceOf(config.dataDir) : null)),
    };
    this.report = new SharedRead(() => this.look(probes), MAX_AGE_MS, clock);
  }

  /** Never rejects, and answers within 2 s, whatever is away. */
  read(): Promise<SystemJson> {
    return this.report.get();
  }

  private probe<T>(ask: () => Promise<T>): ServerProbe<T> {
    return new ServerProbe(ask, PATIENCE_MS, this.clock, this.timers);
  }

  private async look(probes: Probes): Promise<SystemJson> {
    const [redis, log, database, processes, disk] = await Promise.all([
      probes.redis.run(),
      probes.claimLog.run(),
      probes.database.run(),
      probes.processes.run(),
      probes.disk.run(),
    ]);
    const { profile, identity } = this.config;
    const stored = database.kind === 'answered' ? database.value : null;
    return {
      at: isoOf(this.clock.wall()),
      service: {
        profile,
        identity,
        installation: stored?.row.installation ?? this.own.installation,
        version: VERSION,
        node: process.versions.node,
      },
      gate: this.gateJson(stored),
      redis: profile === 'embedded' ? null : this.redisJson(redis),
      claimLog: this.logJson(log),
      database: {
        ...this.server('database', database),
        product: stored?.server.product ?? null,
        version: stored?.server.version ?? null,
        clockAheadMs: stored === null ? null : Math.round(stored.clockAheadMs),
      },
      failedEvents: stored === null ? null : { dead: stored.dead },
      processes: this.processesJson(processes),
      disk: disk.kind === 'answered' ? disk.value : null,
    };
  }

  private gateJson(stored: StoredState | null): SystemJson['gate'] {
    const { state, epoch, gateTrouble: trouble, script } = this.watch.state;
    const { up, since } = this.states.of('gate');
    return {
      state,
      epoch,
      trouble,
      downSince: up ? null : isoOf(since),
      script: script === null ? null : { version: script.version, current: script.current },
      building: stored === null ? null : stored.row.builder !== null,
      leaseUntil: isoOf(stored?.row.leaseUntil ?? null),
      signedSince: isoOf(stored?.row.signedSince ?? null),
      rebuilds: stored?.openings.map(rebuildJson) ?? null,
    };
  }

  private redisJson(outcome: ProbeOutcome<GateServer | null>): SystemJson['redis'] {
    const gate = this.states.of('gate');
    const value = outcome.kind === 'answered' ? outcome.value : null;
    return {
      up: outcome.kind === 'answered',
      // The gate is down at least as long as its server.
      awaySince: outcome.kind === 'away' ? isoOf(gate.up ? outcome.since : Math.min(outcome.since, gate.since)) : null,
      trouble: outcome.kind === 'away' ? outcome.why : null,
      answerMs: outcome.kind === 'answered' ? outcome.ms : null,
      version: value?.version ?? null,
      role: value?.role ?? null,
      uptimeMs: value?.uptimeMs ?? null,
      usedBytes: value?.usedBytes ?? null,
      maxBytes: value?.maxBytes ?? null,
      evictionPolicy: value?.evictionPolicy ?? null,
      appendOnly: value?.appendOnly ?? null,
      clients: value?.clients ?? null,
    };
  }

  private logJson(outcome: ProbeOutcome<LogState>): SystemJson['claimLog'] {
    const known = outcome.kind === 'answered' ? outcome.value : null;
    const topic = known?.description ?? null;
    return {
      ...this.server('claimLog', outcome),
      kind: this.config.profile === 'embedded' ? 'journal' : 'kafka',
      standsSince: isoOf(known === null ? null : this.standstill.look(known.partitions, Math.round(this.clock.wall()))),
      lag: known?.partitions.reduce((sum, { lag }) => sum + lag, 0) ?? null,
      partitions: known?.partitions.map((one) => ({ ...one })).sort((a, b) => a.partition - b.partition) ?? null,
      topic:
        topic === null
          ? null
          : {
              name: topic.topic,
              groupId: topic.groupId,
              replicas: topic.replicas,
              settings: Object.fromEntries(topic.settings),
              unusable: topic.unusable,
            },
    };
  }

  private processesJson(outcome: ProbeOutcome<ProcessReport[] | null>): SystemJson['processes'] {
    const own = this.own.report();
    const known = outcome.kind === 'answered' ? outcome.value : null;
    const others = (known ?? []).filter(({ process: { id } }) => id !== own.process.id);
    const items = [own, ...others].map(
      ({ process: { id, instance, roles, version, startedAt }, uptimeMs, health }) => ({
        instance,
        roles: [...roles],
        version,
        startedAt: isoOf(startedAt),
        uptimeMs: Math.round(uptimeMs),
        answers: id === own.process.id,
        roleStates: health === undefined ? null : { ...health.roles },
        foreignPartitions: health?.foreignPartitions ?? null,
      }),
    );
    return { complete: known !== null, items };
  }

  private server(dependency: Dependency, outcome: ProbeOutcome<unknown>) {
    const { up, since } = this.states.of(dependency);
    if (outcome.kind === 'away') {
      const awaySince = isoOf(up ? outcome.since : Math.min(outcome.since, since));
      return { up: false, awaySince, trouble: outcome.why, answerMs: null };
    }
    const met = this.states.troubleOf(dependency) ?? 'this process could not work with it at its last try: see the log';
    const trouble = up ? null : met;
    return { up, awaySince: up ? null : isoOf(since), trouble, answerMs: outcome.ms };
  }

  private readDatabase(): Promise<StoredState> {
    return this.database.read(async (unit) => {
      const now = await unit.now();
      const clockAheadMs = now - this.clock.wall();
      return {
        clockAheadMs,
        row: await unit.gate.read(),
        server: await unit.describe(),
        dead: (await unit.failedEvents.count({ status: 'DEAD' })).rows,
        openings: await unit.audit.list({ limit: REBUILDS_SHOWN, action: GATE_OPENED }),
      };
    });
  }

  private async readLog(): Promise<LogState> {
    const description = await this.log.describe();
    const committed = await this.log.committedOffsets();
    const start = await this.log.startOffsets();
    return { description, partitions: lagsOf(committed, start, await this.log.endOffsets()) };
  }

  private async readBoard(): Promise<ProcessReport[] | null> {
    const { installation } = this.own;
    return installation === null ? null : this.board.read(installation, []);
  }
}

/** What the database says of the gate, and of itself. */
interface StoredState {
  readonly clockAheadMs: number;
  readonly row: GateRow;
  readonly server: DatabaseServer;
  /** Failed events that wait for an operator. */
  readonly dead: number;
  readonly openings: readonly RecordedAction[];
}

interface LogState {
  readonly description: LogDescription | null;
  readonly partitions: readonly PartitionLag[];
}

interface Probes {
  readonly redis: ServerProbe<GateServer | null>;
  readonly claimLog: ServerProbe<LogState>;
  readonly database: ServerProbe<StoredState>;
  /** null: whose board to read is not known yet. */
  readonly processes: ServerProbe<ProcessReport[] | null>;
  readonly disk: ServerProbe<DiskSpace | null>;
}

function rebuildJson({ subject, createdAt, detail }: RecordedAction): GateRebuildJson {
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    epoch: Number(subject),
    openedAt: isoOf(createdAt),
    ms: number(detail['ms']),
    after: number(detail['after']) || null,
    instance: text(detail['instance']),
    version: text(detail['version']),
  };
}
