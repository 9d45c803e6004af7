/** One thing that the protocol needs, taken away. */
export interface Mutant {
  readonly name: string;
  /** Each `find` has to be there exactly once. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** The test that is there to notice it. */
  readonly caughtBy: {
    readonly project: 'unit' | 'adapters' | 'faults';
    readonly file: string;
    readonly title: string;
  };
}

const edit = (file: string, find: string, replace: string) => ({ file, find, replace });

export const MUTANTS: readonly Mutant[] = [
  {
    name: '202 before the acknowledgement',
    edits: [
      edit(
        'src/issuance/claim-issuance.ts',
        '    const durable = await this.recorder.record(event, startedAt.monotonic);\n',
        '    void this.recorder.record(event, startedAt.monotonic);\n    const durable = true;\n',
      ),
    ],
    caughtBy: { project: 'faults', file: 'kafka.fault', title: 'Kafka and the database are away at once' },
  },
  {
    name: 'no epoch watch',
    edits: [
      edit(
        'src/gate/epoch-watch.ts',
        '    for (let reads = 0; ; reads++) {\n',
        '    for (let reads = 0; ; reads++) {\n      if (epoch > 0) return true;\n',
      ),
      edit(
        'src/gate/epoch-watch.ts',
        '    const answered = await this.refresh();\n    const seen = this.sighting;\n',
        '    if (this.sighting?.pass) return;\n    const answered = await this.refresh();\n    const seen = this.sighting;\n',
      ),
    ],
    caughtBy: { project: 'faults', file: 'replica.fault', title: 'the old master lives on' },
  },
  {
    name: 'no cut',
    edits: [
      edit(
        'src/persistence/stale-claims.ts',
        '  return cutAbove !== null && ',
        '  return offset < 0 && cutAbove !== null && ',
      ),
    ],
    caughtBy: { project: 'faults', file: 'processes.fault', title: 'an api is frozen between gate and log' },
  },
  {
    name: 'a script that is not stamped',
    edits: [
      edit(
        'src/infrastructure/redis/gate-script.ts',
        "return `local EPOCH = '${epoch}'\\n",
        "void epoch;\n  return `local EPOCH = string.match(KEYS[1] or '', '}:(%d+):') or ''\\n",
      ),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'lets nobody in with an invented pass or that of another epoch',
    },
  },
  {
    name: 'keys without epoch',
    edits: [
      edit(
        'src/infrastructure/redis/redis.keys.ts',
        '`coupon:{${campaignId}}:${epoch}:`',
        '`coupon:{${campaignId}}:${epoch * 0}:`',
      ),
      edit(
        'src/infrastructure/redis/scripts/prelude.lua',
        "  if not string.find(key, '}:' .. EPOCH .. ':', 1, true) then",
        '  if false then',
      ),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'cannot be seen by the open epoch when it wakes up late and writes to an old one',
    },
  },
  {
    name: 'the count is not compared',
    edits: [
      edit(
        'src/infrastructure/redis/scripts/claim-batch-3.lua',
        "  elseif tonumber(meta[1]) ~= claims then\n    answers[#answers + 1] = {'FENCED', 'count-mismatch'}\n",
        '',
      ),
      edit(
        'src/infrastructure/redis/scripts/prelude.lua',
        "  if tonumber(counters[1]) ~= claims then return 'count-mismatch' end\n",
        '',
      ),
    ],
    caughtBy: { project: 'faults', file: 'redis.fault', title: 'Redis loses the key applied_user' },
  },
  {
    name: 'a promoted master that is trusted',
    edits: [
      edit(
        'src/infrastructure/redis/scripts/prelude.lua',
        "if REPLICATION ~= '' and not",
        "if REPLICATION == 'another' and not",
      ),
    ],
    caughtBy: { project: 'faults', file: 'replica.fault', title: 'a master that followed another one' },
  },
  {
    name: 'INSERT IGNORE',
    edits: [
      edit(
        'src/infrastructure/database/stores/sql-coupon-store.ts',
        "'INSERT INTO coupons '",
        "'INSERT IGNORE INTO coupons '",
      ),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'store one coupon for one user, and tell all others of a duplicate',
    },
  },
  {
    name: 'no row lock on the campaign',
    edits: [
      edit(
        'src/infrastructure/database/stores/sql-campaign-store.ts',
        'ORDER BY id${lockExclusive}`',
        'ORDER BY id${lockExclusive.slice(0, 0)}`',
      ),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'see what another one has committed as soon as they hold the lock',
    },
  },
  {
    name: 'offsets resolved before the commit',
    edits: [
      edit(
        'src/infrastructure/kafka/kafka-claim-server.ts',
        'const lastSettled = messages[context.settledCount - 1];',
        'const lastSettled = messages[messages.length - 1];',
      ),
    ],
    caughtBy: { project: 'adapters', file: 'kafka-server', title: 'commits the settled prefix only' },
  },
  {
    // What kafkajs' idempotent producer comes to after a lost answer: the send resolves, and the broker has dropped it.
    name: 'a lost answer of the broker taken for an acknowledgement, as by an idempotent producer',
    edits: [
      edit(
        'src/infrastructure/kafka/kafka-publisher.ts',
        '      this.lose(connection, route.node, error);\n      throw new ClaimLogUnconfirmedError(',
        '      if (messages.length > 0) return;\n      throw new ClaimLogUnconfirmedError(',
      ),
    ],
    caughtBy: { project: 'faults', file: 'kafka.fault', title: 'the line is cut at produce requests' },
  },
  {
    name: 'a sweeper that trusts the clock',
    edits: [
      edit(
        'src/retry/consumed-horizon.ts',
        'return passed < 0 || newest === undefined ? null : newest.instant - CLAIM_DEADLINE_MS;',
        // What is five minutes old by its own clock, which only a wrong clock takes for old within this test.
        'return newest === undefined && passed > 0 ? null : Date.now() - CLAIM_DEADLINE_MS - 300_000;',
      ),
    ],
    caughtBy: { project: 'faults', file: 'clocks.fault', title: 'a sweeper whose clock is fast' },
  },
  {
    name: 'unknown errors taken for poison',
    edits: [
      edit(
        'src/consumer/claim-persistence.ts',
        "      if (error instanceof TakenBack) return error.verdict === 'issued';\n",
        '      if (error instanceof Error) return true;\n',
      ),
    ],
    caughtBy: { project: 'faults', file: 'database.fault', title: 'the database refuses every coupon' },
  },
  {
    name: 'a discard that forgets the slot',
    edits: [
      edit(
        'src/retry/discarded-slots.ts',
        '    const outcome = await this.atGate(() => this.gate.release(pass, claim));\n',
        "    const outcome = pass.epoch > 0 ? 'released' : await this.atGate(() => this.gate.release(pass, claim));\n",
      ),
    ],
    caughtBy: {
      project: 'faults',
      file: 'operators.fault',
      title: 'failed events are discarded and requeued under load',
    },
  },
  {
    name: 'an unpublished claim stored past a rebuild',
    edits: [edit('src/issuance/unpublished-claims.ts', 'await unit.gate.lockShared()', 'await unit.gate.read()')],
    caughtBy: { project: 'unit', file: 'unpublished-claims', title: 'is stored under a share of the gate row' },
  },
  {
    name: 'a discard that does not lock the campaign',
    edits: [
      edit(
        'src/retry/failed-event-operations.ts',
        '      if (claim !== null) await unit.campaigns.lock([claim.campaignId]);\n',
        '',
      ),
    ],
    caughtBy: {
      project: 'unit',
      file: 'failed-event-operations',
      title: 'locks the gate row, then the campaign, then the row',
    },
  },
  {
    name: 'a claim that is promised before it is synced',
    edits: [
      edit(
        'src/infrastructure/embedded/disk-sync.ts',
        '    while (this.synced < target) {\n',
        '    if (this.failure === null) void (this.running ??= this.sync().finally(() => (this.running = null)));\n' +
          '    while (this.synced < target && this.failure !== null) {\n',
      ),
    ],
    caughtBy: { project: 'faults', file: 'embedded.fault', title: 'the disk cannot be synced' },
  },
  {
    name: 'a builder that fails and keeps its lease',
    edits: [
      edit(
        'src/recovery/gate-rebuilder.ts',
        '        this.failed = true;\n        await lease.giveBack();\n',
        '        await lease.end();\n',
      ),
    ],
    caughtBy: { project: 'faults', file: 'rebuild.fault', title: 'a builder that has no way to the log' },
  },
  {
    name: 'a gate that is away taken for one that is sold out',
    edits: [
      edit(
        'src/issuance/apply.controller.ts',
        "    case 'UNAVAILABLE':\n      sendProblem(reply, 'issuer-unavailable');\n",
        "    case 'UNAVAILABLE':\n      sendProblem(reply, 'sold-out');\n",
      ),
    ],
    caughtBy: { project: 'faults', file: 'redis.fault', title: 'Redis is flushed' },
  },
];
