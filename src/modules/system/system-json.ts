import { z } from 'zod';
import { IDENTITIES } from '../../platform/config/variables.js';
import { isoInstant } from '../../platform/http/output/schemas.js';

const bytes = z.int().min(0);
const ms = z.number().min(0);

/** What is said of each server, whether it answers or not. */
const server = {
  up: z.boolean().meta({ description: 'It answers, and the process that answers here can work with it.' }),
  awaySince: isoInstant
    .nullable()
    .meta({ description: 'null while it is up. As this process has noticed it, and at the earliest its own start.' }),
  trouble: z.string().nullable().meta({ description: 'What the last try has met, in English, as in the log.' }),
  answerMs: ms.nullable().meta({ description: 'How long the last question took, ms; null without an answer.' }),
};

const rebuild = z
  .object({
    epoch: z.int(),
    openedAt: isoInstant,
    ms: ms.nullable().meta({ description: 'How long the rebuild took, ms.' }),
    after: z.int().nullable().meta({ description: 'The epoch that was open before; null: none, or not known.' }),
    instance: z.string().nullable().meta({ description: 'The process that has built it: host and process id.' }),
    version: z.string().nullable().meta({ description: 'The version of that process.' }),
  })
  .meta({ id: 'GateRebuild' });

const gate = z.object({
  state: z.enum(['open', 'fenced', 'unknown']),
  epoch: z.int().nullable(),
  trouble: z.string().nullable().meta({ description: 'Why it could not be used at the last call; null while it can.' }),
  downSince: isoInstant.nullable().meta({ description: 'Since when no claim can be admitted; null while it is open.' }),
  script: z
    .object({ version: z.string().nullable(), current: z.boolean() })
    .nullable()
    .meta({ description: 'As in `/health/ready`; null in the embedded profile, and while the gate is closed.' }),
  building: z.boolean().nullable().meta({ description: 'Does a process rebuild it now? null while it is not known.' }),
  leaseUntil: isoInstant
    .nullable()
    .meta({ description: 'Until when that process may work before another one begins.' }),
  signedSince: isoInstant.nullable().meta({
    description:
      'Since when every event on the log has to be signed; null: unsigned ones count, too. While `rebuilds` is null it is not known.',
  }),
  rebuilds: z.array(rebuild).nullable().meta({
    description: 'The last 20 epochs that were opened, newest first; null while the database does not answer.',
  }),
});

const redis = z.object({
  ...server,
  version: z.string().nullable(),
  role: z.string().nullable(),
  uptimeMs: ms.nullable(),
  usedBytes: bytes.nullable(),
  maxBytes: bytes.nullable().meta({ description: '0: no limit.' }),
  evictionPolicy: z.string().nullable(),
  appendOnly: z.boolean().nullable(),
  clients: z.int().min(0).nullable(),
});

const partition = z.object({
  partition: z.int(),
  start: z.int(),
  end: z.int(),
  committed: z.int().nullable(),
  lag: z.int().min(0),
});

const claimLog = z.object({
  ...server,
  kind: z.enum(['kafka', 'journal']),
  lag: z.int().min(0).nullable().meta({ description: 'Claims that no consumer has settled yet, in all partitions.' }),
  partitions: z.array(partition).nullable(),
  standsSince: isoInstant.nullable().meta({
    description:
      'Since when claims of a partition wait while none of it is settled, as this process has seen it; null while none waits, or it is not known.',
  }),
  topic: z
    .object({
      name: z.string(),
      groupId: z.string(),
      replicas: z.int().nullable(),
      settings: z
        .record(z.string(), z.string())
        .meta({ description: 'Those on which promises rest. Empty where the broker does not show them.' }),
      unusable: z.string().nullable().meta({ description: 'Why no claim may be put on it; null when one may.' }),
    })
    .nullable(),
});

const database = z.object({
  ...server,
  product: z.enum(['mysql', 'mariadb', 'sqlite']).nullable(),
  version: z.string().nullable(),
  clockAheadMs: z
    .int()
    .nullable()
    .meta({ description: 'Its clock minus that of this process, exact to the time of the answer, ms.' }),
});

const process = z.object({
  instance: z.string().meta({ description: 'The machine or container, and the process id there.' }),
  roles: z.array(z.string()).meta({ description: 'Of `api`, `consumer` and `retry`.' }),
  version: z.string(),
  startedAt: isoInstant,
  uptimeMs: ms,
  answers: z.boolean().meta({ description: 'This one has made this answer.' }),
  roleStates: z
    .record(z.string(), z.enum(['ready', 'waiting']))
    .nullable()
    .meta({ description: 'By role, as `/health/ready` of the process says; null: its version does not tell.' }),
  foreignPartitions: z.int().min(0).nullable().meta({
    description: 'Partitions on which its consumer stands before claims of another installation.',
  }),
});

export const systemJsonSchema = z
  .object({
    at: isoInstant.meta({
      description: 'When it was looked at; at most a second ago, and longer while a server hangs.',
    }),
    service: z.object({
      profile: z.enum(['embedded', 'distributed']),
      identity: z.enum(IDENTITIES),
      installation: z.string().nullable(),
      version: z.string(),
      node: z.string(),
    }),
    gate,
    redis: redis.nullable().meta({ description: 'The server of the gate; null in the embedded profile.' }),
    claimLog,
    database,
    failedEvents: z
      .object({ dead: z.int().min(0).meta({ description: 'Those that wait for an operator, of all campaigns.' }) })
      .nullable()
      .meta({ description: 'null while the database does not answer.' }),
    processes: z.object({
      complete: z.boolean().meta({ description: 'false: only the process that answers is known.' }),
      items: z.array(process),
    }),
    disk: z
      .object({ freeBytes: bytes, totalBytes: bytes, usedBytes: bytes })
      .nullable()
      .meta({ description: 'Of DATA_DIR, and what its files take; null in the distributed profile.' }),
  })
  .meta({ id: 'System' });

export type SystemJson = z.infer<typeof systemJsonSchema>;

export type GateRebuildJson = z.infer<typeof rebuild>;
