/** The service without one thing that the protocol needs. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The test that must fail with this mutant. */
  readonly caughtBy: {
    readonly project: 'unit' | 'adapters' | 'faults';
    /** A part of the path of its file. */
    readonly file: string;
    readonly title: string;
  };
}

/** Replaces `find` in the line below the comment `mutant: <anchor>`, in any file of `src/`. */
export interface Edit {
  readonly anchor: string;
  readonly find: RegExp;
  readonly replace: string;
}

const edit = (anchor: string, find: RegExp, replace: string): Edit => ({ anchor, find, replace });
const insert = (anchor: string, statements: string): Edit => edit(anchor, /^/, `${statements} `);

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a quiesce time of 0',
    edits: [edit('no-quiesce-time', /3_000/, '0')],
    caughtBy: {
      project: 'unit',
      file: 'redis-gate-builder',
      title: 'waits for longer than an api may take for a 202',
    },
  },
  {
    name: 'a rebuild that does not wait for late answers',
    edits: [edit('no-quiesce', /await lease\.wait\(/, 'void (')],
    caughtBy: { project: 'unit', file: 'gate-rebuilder', title: 'waits for the answers under an older one' },
  },
  {
    name: 'a claim whose time is never over',
    edits: [edit('endless-budget', /return .*/, 'return this.leftMs < 0;')],
    caughtBy: {
      project: 'unit',
      file: 'claim-issuance',
      title: 'promises nothing that was published after a sleep in which the gate may have been rebuilt',
    },
  },
  {
    name: 'a rebuild that does not look for what was deleted unread',
    edits: [edit('deleted-unread', /deleted \?/, 'deleted && end.size < 0 ?')],
    caughtBy: {
      project: 'unit',
      file: 'gate-rebuilder',
      title: 'does not lose a coupon whose message is deleted while the log is read',
    },
  },
  {
    name: 'a rebuild that ignores failed events',
    edits: [edit('failed-events-ignored', /found\.add\(claim\)/, 'void found')],
    caughtBy: {
      project: 'unit',
      file: 'gate-rebuilder',
      title: 'keeps every coupon, every open failed event and every claim that is only on the log',
    },
  },
  {
    name: 'a rebuild that begins at the end of the log',
    edits: [edit('from-the-end', /known \? settled : first/, 'known ? Math.max(settled, last) : last')],
    caughtBy: {
      project: 'unit',
      file: 'gate-rebuilder',
      title: 'is the start of the log when the group never committed',
    },
  },
  {
    name: 'a rebuild that forgets the sequence',
    edits: [edit('forgotten-sequence', /Math\.max/, 'Math.min')],
    caughtBy: { project: 'unit', file: 'gate-rebuilder', title: 'never gives the sequence of a coupon out again' },
  },
  {
    name: 'an epoch without the Unix time',
    edits: [edit('epoch-without-time', /, Math\.floor\(now \/ 1_000\)/, '')],
    caughtBy: { project: 'unit', file: 'gate-rebuilder', title: 'is at least the unix time, and above the one before' },
  },
  {
    name: 'LOST ignored when staged claims open',
    edits: [edit('lost-ignored', /outcome === /, 'outcome + outcome === ')],
    caughtBy: {
      project: 'unit',
      file: 'redis-gate-builder',
      title: 'opens nothing when Redis has lost what was staged there',
    },
  },
  {
    name: 'staged claims that are not counted when they open',
    edits: [edit('staged-uncounted', /if .* then return/, 'if false then return')],
    caughtBy: {
      project: 'adapters',
      file: 'redis-faults.stack',
      title: 'does not open a campaign when it has lost one record',
    },
  },
  {
    name: 'a release that does not compare the claim',
    edits: [edit('any-claim-released', /\?\.claimId !== claimId/, ' === undefined')],
    caughtBy: {
      project: 'unit',
      file: 'contract/embedded.contract',
      title: 'protects the new claim from the old release',
    },
  },
  {
    name: 'a pending entry that is cleared for another claim',
    edits: [edit('any-claim-cleared', /\?\.claimId !== claimId/, ' === undefined')],
    caughtBy: {
      project: 'unit',
      file: 'contract/embedded.contract',
      title: 'clears only the named claims, by user and claimId, and can be repeated',
    },
  },
  {
    name: 'a release in Redis that does not compare the claim',
    edits: [edit('any-claim-released-in-redis', /not belongs\((.*), claim_id\)/, 'not $1')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'protects the new claim from the old release',
    },
  },
  {
    name: 'a pending entry in Redis that is cleared for another claim',
    edits: [edit('any-claim-cleared-in-redis', /belongs\(.*\)/, 'records[n]')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'clears only the named claims, by user and claimId, and can be repeated',
    },
  },
  {
    name: 'a batch admitted in reverse',
    edits: [edit('reversed-batch', /for n = 1, asked do/, 'for n = asked, 1, -1 do')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'admits claims that arrive together in the order in which they came',
    },
  },
  {
    name: 'a drainer that keeps the epoch of the row',
    edits: [edit('rows-own-epoch', /\{ \.\.\.claim, epoch, /, '{ epoch, ...claim, ')],
    caughtBy: {
      project: 'unit',
      file: 'failed-event-drainer',
      title: 'publishes under the epoch that is open now, not under the one in the row',
    },
  },
  {
    name: 'a signature that leaves a field out',
    edits: [
      edit('unsigned-field', /of\(signed\)/, 'of(signed.replace(/"userId":"[^"]*"/, ""))'),
      edit(
        'unverified-field',
        /bytes\.subarray\(0, -UNSIGNED\)/,
        'bytes.toString("utf8", 0, bytes.length - UNSIGNED).replace(/"userId":"[^"]*"/, "")',
      ),
    ],
    caughtBy: { project: 'unit', file: 'event-signature', title: 'covers userId' },
  },
  {
    name: 'a consumer that does not verify signatures',
    edits: [
      edit('unverified-at-consumer', /author === 'forged' \|\| author === 'unknown-key'/, 'author === undefined'),
    ],
    caughtBy: {
      project: 'unit',
      file: 'bad-signature',
      title: 'an unsigned event is taken and counted, and a forged one is not',
    },
  },
  {
    name: 'a consumer that accepts unsigned events for ever',
    edits: [edit('unsigned-accepted', /signaturesDemanded && /, 'signaturesDemanded && index < 0 && ')],
    caughtBy: {
      project: 'unit',
      file: 'bad-signature',
      title: 'neither fills a slot that was promised, nor ends what is known of it',
    },
  },
  {
    name: 'a consumer that does not look for a new key',
    edits: [edit('unread-key', /await keys\.readAgain\(\)/, 'await keys.refresh()')],
    caughtBy: {
      project: 'unit',
      file: 'bad-signature',
      title: 'that is unknown is looked for in the database before the event is judged',
    },
  },
  {
    name: 'a process that signs with the key of its last read for ever',
    edits: [edit('a-key-signs-for-ever', /<= UNASKED_MS/, '>= 0')],
    caughtBy: {
      project: 'unit',
      file: 'key-ring',
      title: 'signs for fifteen seconds without asking the database',
    },
  },
  {
    name: 'a rebuild that does not verify signatures',
    edits: [edit('unverified-at-rebuild', /isTrusted\(index\)/, 'index >= 0')],
    caughtBy: {
      project: 'unit',
      file: 'gate-rebuilder',
      title: 'a forged event takes no slot and spoils no sequence',
    },
  },
  {
    name: 'a retry that signs what nothing proves',
    edits: [edit('unverified-at-retry', /leased\.filter\(.*\)/, 'leased')],
    caughtBy: {
      project: 'unit',
      file: 'failed-event-drainer',
      title: 'signs no claim that only an unsigned event has told of',
    },
  },
  {
    name: 'a publisher that signs what nothing proves',
    edits: [edit('unproven-signed', /event\.unproven === true/, 'key === undefined')],
    caughtBy: { project: 'unit', file: 'event-text', title: 'of a claim that nothing proves is not signed' },
  },
  {
    name: 'strangers that fill the database',
    edits: [edit('strangers-unlimited', /\+\+this\.stored\[kind\] <= MAX_STRANGERS/, 'true')],
    caughtBy: {
      project: 'unit',
      file: 'bad-signature',
      title: 'takes little room, and is only counted once there are many',
    },
  },
  {
    name: 'the earlier of two claims of a user',
    edits: [
      edit(
        'earlier-claim',
        /a\.sequence > b\.sequence : a\.epoch > b\.epoch/,
        'a.sequence < b.sequence : a.epoch < b.epoch',
      ),
    ],
    caughtBy: {
      project: 'unit',
      file: 'gate-rebuilder',
      title: 'keeps of two claims of a user that of the higher epoch, then that of the higher sequence',
    },
  },
  {
    name: 'a sweeper that does not ask the epoch again',
    edits: [edit('epoch-not-asked-again', /epoch !== pass\.epoch/, 'epoch < 0')],
    caughtBy: {
      project: 'unit',
      file: 'pending-sweeper',
      title: 'a rebuild is over: nothing is written under the new epoch either',
    },
  },
  {
    name: 'a campaign that is opened without a share of the gate row',
    edits: [edit('unshared-opening', /lockShared/, 'read')],
    caughtBy: {
      project: 'unit',
      file: 'campaign-creator',
      title: 'opens a campaign at the gate under a share of the gate row, so that no rebuild can begin',
    },
  },
  {
    name: '202 before the acknowledgement',
    edits: [edit('early-202', /const (\w+) = await (.*);/, 'void $2; const $1 = true;')],
    caughtBy: { project: 'faults', file: 'kafka.fault', title: 'Kafka and the database are away at once' },
  },
  {
    name: 'no epoch watch',
    edits: [
      edit('unwatched-answer', /$/, ' if (epoch > 0) return Promise.resolve(true);'),
      insert('unwatched-beat', 'if (this.sighting?.pass) return;'),
    ],
    caughtBy: { project: 'faults', file: 'replica.fault', title: 'the old master lives on' },
  },
  {
    name: 'the read before the acknowledgement',
    edits: [
      edit(
        'early-read',
        /await (.*);/,
        '(this.sighting !== null && this.clock.elapsedMs(this.sighting.startedAt) <= 1_000) || (await $1);',
      ),
    ],
    caughtBy: {
      project: 'unit',
      file: 'claim-issuance.embedded',
      title: 'promises nothing after a host has stopped together with its clocks, while the gate was rebuilt',
    },
  },
  {
    name: 'a dead connection taken for a silent database',
    edits: [edit('dead-connection', /askAgain\(\)/, "reject(new Error('the connection is closed'))")],
    caughtBy: {
      project: 'adapters',
      file: 'mysql/epoch-connection',
      title: 'finds the server that has ended all sessions',
    },
  },
  {
    name: 'a restored database that is not noticed',
    edits: [edit('unnoticed-restore', /settledIn\(gauge\) <= issued/, 'settledIn(gauge) <= issued + 1_000_000')],
    caughtBy: {
      project: 'unit',
      file: 'unexplained-claims.embedded',
      title: 'closes the gate when coupons that it has seen are gone',
    },
  },
  {
    name: 'no cut',
    edits: [edit('no-cut', /return /, 'return offset < 0 && ')],
    // A frozen api publishes nothing late since its claims have a budget by two clocks; only the network can.
    caughtBy: {
      project: 'unit',
      file: 'domain/stale-claims',
      title: 'counts before the cut and is stale from the cut on',
    },
  },
  {
    name: 'a script that is not stamped',
    edits: [
      edit(
        'unstamped-script',
        /const stamp = `local EPOCH = '\$\{epoch\}'/,
        "void epoch; const stamp = `local EPOCH = string.match(KEYS[1] or '', '}:(%d+):') or ''",
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
      edit('keys-without-epoch', /\{epoch\}/, '{epoch * 0}'),
      edit('keys-unchecked', /if .* then return/, 'if false then return'),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'cannot be seen by the open epoch when it wakes up late and writes to an old one',
    },
  },
  {
    name: 'a consumer that settles the claims of another installation',
    edits: [insert('foreign-claims', 'if (own.length > 0) return false;')],
    caughtBy: { project: 'unit', file: 'claim-batch-consumer', title: 'stands at the first of them' },
  },
  {
    name: 'a rebuild that takes over the claims of another installation',
    edits: [edit('foreign-claims-staged', / \|\| !found\.isOwn\(.*\)\) continue/, ') continue')],
    caughtBy: { project: 'unit', file: 'gate-rebuilder', title: 'passes over the claims of another installation' },
  },
  {
    name: 'a builder that drops the keys of another installation',
    edits: [edit('foreign-keys-dropped', /=> .*;/, "=> key.installation !== '' || own === '' || unnamed.size < 0;")],
    caughtBy: { project: 'adapters', file: 'redis-faults.stack', title: 'never touch each other' },
  },
  {
    name: 'a start beside another installation',
    edits: [edit('unchecked-neighbours', /error instanceof ForeignInstallationError/, "$& && error.message === ''")],
    caughtBy: { project: 'adapters', file: 'kafka-installations.stack', title: 'refuse a start on a topic' },
  },
  {
    name: 'a forged record that stops every start',
    edits: [edit('record-stops-a-start', /settled\.size === 0/, 'settled.size >= 0')],
    caughtBy: { project: 'unit', file: 'installation-check', title: 'lets an installation start that works already' },
  },
  {
    name: 'a cut that counts on any log',
    edits: [edit('cut-of-any-log', /return true;/, 'return offset < 0;')],
    caughtBy: { project: 'unit', file: 'stale-claims', title: 'is stale at every offset of another log' },
  },
  {
    name: 'the count is not compared',
    edits: [
      edit('claim-count-ignored', /elseif .* then/, 'elseif false then'),
      edit('count-ignored', /if .* then return/, 'if false then return'),
    ],
    caughtBy: { project: 'faults', file: 'redis.fault', title: 'Redis loses the key applied_user' },
  },
  {
    name: 'a promoted master that is trusted',
    edits: [edit('trusted-promotion', /~= ''/, "== 'another'")],
    caughtBy: { project: 'faults', file: 'replica.fault', title: 'a master that followed another one' },
  },
  {
    name: 'a rebuild that loses a coupon where a page ends within one instant',
    edits: [edit('coupons-of-one-instant', /\(sequence = \? AND/, '(0 AND sequence = ? AND')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'of one campaign are listed for the rebuild',
    },
  },
  {
    name: 'INSERT IGNORE',
    edits: [edit('insert-ignore', /INSERT INTO/, 'INSERT IGNORE INTO')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'refuse a second one with the same',
    },
  },
  {
    name: 'no row lock on the campaign',
    edits: [edit('unlocked-campaign', /\$\{lockExclusive\}/, '${lockExclusive.slice(0, 0)}')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'see what another one has committed as soon as they hold the lock',
    },
  },
  {
    name: 'a bulk act on more failed events than the operator has seen',
    edits: [edit('uncounted-bulk', /count !== expected/, 'count < expected')],
    caughtBy: {
      project: 'unit',
      file: 'failed-event-bulk',
      title: 'are left alone where there are not as many as the operator has seen',
    },
  },
  {
    name: 'no row lock on the draft',
    edits: [edit('unlocked-draft', /\$\{lockExclusive\}/, '${lockExclusive.slice(0, 0)}')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'are changed by one at a time, who sees what the one before has committed',
    },
  },
  {
    name: 'offsets resolved before the commit',
    edits: [edit('early-offset', /\[.* - 1\]/, '[messages.length - 1]')],
    caughtBy: { project: 'adapters', file: 'contract/kafka.stack', title: 'stores the settled prefix only' },
  },
  {
    // Like kafkajs' idempotent producer after a lost answer: the send resolves although the broker has dropped the record.
    name: 'a lost answer of the broker taken for an acknowledgement, as by an idempotent producer',
    edits: [insert('lost-answer', 'if (messages.length > 0) return;')],
    caughtBy: { project: 'faults', file: 'kafka.fault', title: 'the line is cut at produce requests' },
  },
  {
    name: 'a sweeper that trusts the clock',
    edits: [
      edit(
        'trusted-clock',
        /return .*/,
        // Claims that are five minutes old by its own clock. In this test, only a wrong clock sees such claims.
        'return consumed === 0 ? null : Date.now() - CLAIM_DEADLINE_MS - 300_000;',
      ),
    ],
    caughtBy: { project: 'faults', file: 'clocks.fault', title: 'a sweeper whose clock is fast' },
  },
  {
    name: 'a retry that does not ask whether the consumer has come that far',
    edits: [edit('unread-horizon', /return .*/, 'return passed < -1 ? null : Date.now() + 600_000;')],
    caughtBy: { project: 'unit', file: 'failed-event-drainer', title: 'is on the log once while no consumer works' },
  },
  {
    name: 'a trace against the decision of the caller',
    edits: [edit('unsampled-parent', /isSampled\(parent\)/, 'true')],
    caughtBy: { project: 'unit', file: 'platform/tracing/tracing', title: 'follows the caller, and the ratio' },
  },
  {
    name: 'a prune that forgets the highest sequence',
    edits: [edit('pruned-sequence', /!== highest\.get\(row\.campaign_id\)/, '!== -1 - highest.size')],
    caughtBy: { project: 'unit', file: 'contract/embedded', title: 'keep the highest sequence of each campaign' },
  },
  {
    name: 'unknown errors taken for poison',
    edits: [insert('error-as-poison', 'if (error instanceof Error) return true;')],
    caughtBy: { project: 'faults', file: 'database.fault', title: 'the database refuses every coupon' },
  },
  {
    name: 'a discard that forgets the slot',
    edits: [edit('kept-slot', /await /, "pass.epoch > 0 ? { kind: 'released' as const } : await ")],
    caughtBy: { project: 'unit', file: 'pending-sweeper', title: 'gives its slot back when it was discarded' },
  },
  {
    name: 'an unpublished claim stored past a rebuild',
    edits: [edit('unordered-store', /lockShared/, 'read')],
    caughtBy: { project: 'unit', file: 'unpublished-claims', title: 'is stored under a share of the gate row' },
  },
  {
    name: 'a campaign that leaves the gate while a claim is pending',
    edits: [edit('leaving-while-pending', /.*/, '')],
    caughtBy: { project: 'unit', file: 'leaving-campaigns', title: 'stays while a claim is pending' },
  },
  {
    name: 'a campaign that leaves the gate with an open failed event',
    edits: [edit('leaving-unfinished', /.*/, '')],
    caughtBy: { project: 'unit', file: 'leaving-campaigns', title: 'stays while a failed event of it is open' },
  },
  {
    name: 'a campaign that the gate forgets before its row says so',
    edits: [insert('removed-before-mark', 'await this.gate.removeCampaign(pass, id, campaign.version);')],
    caughtBy: { project: 'unit', file: 'leaving-campaigns', title: 'is the mark first' },
  },
  {
    name: 'a gate that forgets a campaign with pending claims',
    edits: [
      edit('removed-while-pending', /pending\.size > 0/, 'pending.size < 0'),
      edit('unlinked-while-pending', / or waiting > 0/, ''),
    ],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'keeps a campaign while one of its claims is pending',
    },
  },
  {
    name: 'a campaign that has left taken for a lost one',
    edits: [edit('left-and-missed', /.*/, '')],
    caughtBy: { project: 'unit', file: 'left-campaigns', title: 'is no fence to those who have read its row before' },
  },
  {
    name: 'a rebuild that reads campaigns that have left',
    edits: [edit('left-and-listed', /\$\{AT_GATE\} AND /, '')],
    caughtBy: { project: 'unit', file: 'left-campaigns', title: 'is left out by a rebuild' },
  },
  {
    name: 'a query for each claim on a campaign that has left',
    edits: [edit('past-claims-unkept', /.*/, '')],
    caughtBy: { project: 'unit', file: 'left-campaigns', title: 'does not ask the database again for the same user' },
  },
  {
    name: 'a campaign that is quiet while claims are pending',
    edits: [edit('quiet-while-pending', /gauge\.pending === 0 && /, '')],
    caughtBy: { project: 'unit', file: 'quiet-campaigns', title: 'are not quiet while a claim is pending' },
  },
  {
    name: 'a discard that does not lock the campaign',
    edits: [edit('unlocked-discard', /.*/, '')],
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
        'early-promise',
        /while \((.*)\) \{/,
        'if (this.failure === null) void (this.running ??= this.sync().finally(() => (this.running = null))); ' +
          'while ($1 && this.failure !== null) {',
      ),
    ],
    caughtBy: {
      project: 'unit',
      file: 'sqlite/disk-sync',
      title: 'settles a commit when a sync has ended that began after it',
    },
  },
  {
    name: 'a takeover that does not ask what the total leaves',
    edits: [edit('takeover-without-room', /- staged\)/, '- staged) + open.length')],
    caughtBy: { project: 'unit', file: 'takeover', title: 'gets what the total leaves, first come first served' },
  },
  {
    name: 'a takeover that revives discarded claims',
    edits: [edit('revived-discard', /rows\.has\(claimId\)/, 'rows.has(userId)')],
    caughtBy: { project: 'unit', file: 'takeover', title: 'gives no slot back to a discarded claim' },
  },
  {
    name: 'old keys that are dropped before their claims are durable',
    edits: [insert('early-drop', 'await this.builder.dropSealed(lastOpen, sealed);')],
    caughtBy: {
      project: 'unit',
      file: 'takeover',
      title: 'keeps what it takes over until its failed events are committed',
    },
  },
  {
    name: 'a takeover from a memory that is not whole',
    edits: [edit('sealed-unchecked', /if .* then return/, 'if false then return')],
    caughtBy: { project: 'adapters', file: 'contract/redis.stack', title: 'drops a campaign where a record is gone' },
  },
  {
    name: 'a builder that fails and keeps its lease',
    edits: [insert('kept-lease', 'await lease.end(); throw error;')],
    caughtBy: { project: 'faults', file: 'rebuild.fault', title: 'a builder that has no way to the log' },
  },
  {
    name: 'a gate that is away taken for one that is sold out',
    edits: [edit('unavailable-as-sold-out', /'issuer-unavailable'/, "'sold-out', final: true")],
    caughtBy: { project: 'faults', file: 'redis.fault', title: 'Redis is flushed' },
  },
  {
    name: 'a sold out that is always final',
    edits: [edit('sold-out-always-final', /waiting == 0 and 1 or 0/, '1')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'says sold out for good only when no claim is pending',
    },
  },
  {
    name: 'an instant that follows a clock that was set back',
    edits: [edit('instant-by-clock', /math\.max\(clock, .*\)$/, 'clock')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'gives no claim an earlier instant than the latest that is known',
    },
  },
  {
    name: 'pending entries of the future that wait for the clock',
    edits: [edit('future-unswept', /if .* await .*/, '')],
    caughtBy: {
      project: 'unit',
      file: 'pending-sweeper',
      title: 'is found soon after the gate’s clock was set back',
    },
  },
  {
    name: 'a horizon that does not notice a clock that was set',
    edits: [edit('steps-unnoticed', /if \(/, 'if (this.samples.length < 0 && ')],
    caughtBy: {
      project: 'unit',
      file: 'pending-sweeper',
      title: 'is not taken for lost when the gate’s clock was set by -10 minutes',
    },
  },
  {
    name: 'a series of statements in one turn of the event loop',
    edits: [edit('no-turn', /await .*;/, '')],
    caughtBy: { project: 'unit', file: 'sqlite-connection', title: 'lets sockets and timers in' },
  },
  {
    name: 'a move that does not compare what it copied',
    edits: [edit('uncompared-move', / \|\| text !== canonical\(copy\)/, '')],
    caughtBy: { project: 'unit', file: 'move-installation', title: 'notices a row that differs' },
  },
  {
    name: 'a move that leaves the gate row in its place',
    edits: [edit('unparked-gate', /0/, '1')],
    caughtBy: { project: 'unit', file: 'move-installation', title: 'ends with the same rows wherever it was killed' },
  },
  {
    name: 'a move that brings stale claims back',
    edits: [edit('moved-stale', /if \(/, 'if (event.epoch === 0 && ')],
    caughtBy: { project: 'unit', file: 'unsettled-journal', title: 'makes no row of a stale claim' },
  },
  {
    name: 'a moved data directory that starts',
    edits: [edit('moved-start', /mark === null/, 'mark === null || mark.id === 1')],
    caughtBy: { project: 'unit', file: 'move-installation', title: 'leaves a source on which nothing starts' },
  },
  {
    name: 'half a move that starts',
    edits: [edit('half-moved-start', /mark === null/, 'mark === null || mark.id === 1')],
    caughtBy: { project: 'adapters', file: 'move.stack', title: 'moves an installation, also when it is killed' },
  },
  {
    name: 'a lost campaign that is opened like a new one',
    edits: [edit('roster-ignored', /if .* then return/, 'if false then return')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/redis.stack',
      title: 'never opens a campaign again that it has had in this epoch and lost with all its keys',
    },
  },
  {
    name: 'an invented key name that calls the provider each time',
    edits: [edit('each-unknown-kid-asks-the-provider', />= COOLDOWN_MS/, '>= 0')],
    caughtBy: { project: 'unit', file: 'remote-keys', title: 'are fetched once in 30 s for unknown names' },
  },
  {
    name: 'a token of a new key that hears 401 while the provider is away',
    edits: [edit('unknown-kid-is-refused-while-the-provider-is-away', /this\.failures > 0/, 'this.failures < 0')],
    caughtBy: {
      project: 'unit',
      file: 'remote-keys',
      title: 'are fetched once in 30 s for unknown names also while the provider is away',
    },
  },
  {
    name: 'a token that is remembered beyond its end',
    edits: [edit('a-token-is-remembered-beyond-its-end', / \|\| this\.clock\.wall\(\) >= found\.until/, '')],
    caughtBy: { project: 'unit', file: 'jwt-verifier', title: 'is not remembered beyond its end' },
  },
  {
    name: 'an operator whose new token waits behind a crowd of readers',
    edits: [edit('an-operators-new-token-waits-behind-readers', /isAdmin\(/, 'isKnownAdmin(')],
    caughtBy: {
      project: 'unit',
      file: 'read-admission',
      title: 'an operator does not stand, also with a new token: GET',
    },
  },
  {
    name: 'a code that anyone sees who guesses the user',
    edits: [edit('code-to-anyone', /isOwn/, 'true')],
    caughtBy: { project: 'unit', file: 'callers.e2e', title: 'who guess the user of a claim get neither its id' },
  },
  {
    name: 'a claim id that anyone hears who asks again',
    edits: [edit('claim-id-to-anyone', /isIdentified \?/, 'isIdentified || claimJson !== undefined ?')],
    caughtBy: { project: 'unit', file: 'callers.e2e', title: 'who guess the user of a claim get neither its id' },
  },
  {
    name: 'ids of claims that follow from one another',
    edits: [edit('alike-claim-ids', /used\+\+/, 'used')],
    caughtBy: { project: 'unit', file: 'entropy', title: 'of claims carry the time too' },
  },
  {
    name: 'a user who claims for another',
    edits: [edit('claims-for-others', /named !== undefined && /, 'named === "" && ')],
    caughtBy: { project: 'unit', file: 'identity/caller', title: 'is for the user of the token with IDENTITY=jwt' },
  },
  {
    name: 'a user who reads about another',
    edits: [edit('data-of-others', /role === null/, 'named === ""')],
    caughtBy: { project: 'unit', file: 'identity/caller', title: 'is of the user alone, whom `me` stands for' },
  },
  {
    name: 'a viewer who sees the ids that open codes',
    edits: [edit('ids-for-viewers', /withCodes \|\| this\.config\.identity !== 'open'/, 'true')],
    caughtBy: { project: 'unit', file: 'identity/admin-sight', title: 'is no code for a viewer' },
  },
  {
    name: 'a log with the statements of a database',
    edits: [edit('statements-in-the-log', /!STATEMENT\.has\(name\)/, 'name')],
    caughtBy: {
      project: 'unit',
      file: 'logging/app-logger',
      title: 'keeps the statement of a database’s error and its values out of every line',
    },
  },
  {
    name: 'a list of codes that leaves no line',
    edits: [edit('codes-read-in-silence', /shownTo !== null/, 'shownTo === undefined')],
    caughtBy: {
      project: 'unit',
      file: 'coupons/campaign-coupons',
      title: 'leaves a line in the audit log where it shows codes, wherever it begins',
    },
  },
  {
    name: 'guesses at reads that nobody counts',
    edits: [edit('guesses-at-reads', /!== null/, '=== undefined')],
    caughtBy: {
      project: 'unit',
      file: 'identity/admin-access',
      title: 'at calls that need no credential is counted, and does not show which one is right',
    },
  },
  {
    name: 'users whose tokens lock an operator out',
    edits: [edit('users-lock-operators-out', / === undefined \|\| this\.adminTokenIsLikeAUsers/, " !== ''")],
    caughtBy: {
      project: 'unit',
      file: 'identity/admin-access',
      title: 'is not what a caller does who brings the token of a user where nobody reads tokens',
    },
  },
  {
    name: 'an API key that is locked out with its address',
    edits: [edit('keys-locked-out', / && !this\.authenticator\.showsKey\(authorization\)/, '')],
    caughtBy: {
      project: 'unit',
      file: 'identity/admin-access',
      title: 'does not lock out an API key, which nobody can guess, but counts and refuses an invented one',
    },
  },
  {
    name: 'an export that gets codes that were made after its call',
    edits: [edit('codes-made-later', /, lastId \}/, ' }')],
    caughtBy: {
      project: 'unit',
      file: 'coupons/campaign-coupons',
      title: 'holds no coupon that was issued after its call',
    },
  },
  {
    name: 'an export that outlives its key',
    edits: [edit('export-of-a-revoked-key', /await stillMay\(\);/, '')],
    caughtBy: {
      project: 'unit',
      file: 'coupons/campaign-coupons',
      title: 'reads nothing more once its caller may not have it',
    },
  },
  {
    name: 'a revoked key that goes on claiming',
    edits: [edit('revoked-key-recalled', /!isInForce\(key, this\.clock\.wall\(\)\)/, 'false')],
    caughtBy: { project: 'unit', file: 'identity/caller', title: 'pays for no promise once memory knows the key' },
  },
  {
    name: 'a revoked key that is trusted for a failure of long ago',
    edits: [edit('old-failure-trusted', /now - unansweredAt >= CACHED_MS/, 'now < 0')],
    caughtBy: {
      project: 'unit',
      file: 'keys/stored-keys',
      title: 'that was revoked is refused minutes after a single question failed',
    },
  },
  {
    name: 'an ended session that is kept for a failure of long ago',
    edits: [edit('old-failure-kept', />= this\.times\.cachedMs/, '< 0')],
    caughtBy: {
      project: 'unit',
      file: 'flow/kept-read',
      title: 'does not keep the value for a read that failed long ago',
    },
  },
  {
    name: 'an operator who names the address that the audit keeps',
    edits: [edit('operators-without-an-address', /!this\.behindProxies/, 'this.behindProxies')],
    caughtBy: {
      project: 'unit',
      file: 'server/admin-listener',
      title: 'a port of operators who come through trusted proxies (false) believes their headers, and otherwise none',
    },
  },
  {
    name: 'a session that outlives its key',
    edits: [edit('session-outlives-key', /!isInForce\(.*\)\)/, 'false)')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'ends when its key is revoked' },
  },
  {
    name: 'a session that outlives what made its token good',
    edits: [edit('session-outlives-its-token', /await this\.tokens\.standingOf\(grounds\)/, "'good' as string")],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'ends with what made the token good' },
  },
  {
    name: 'a session that is good after a sign-out',
    edits: [edit('session-after-sign-out', / \|\| \(await this\.isEnded\(opened\)\)/, '')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'is over after a sign-out' },
  },
  {
    name: 'a session that is good while nobody can say whether it was ended',
    edits: [edit('unknown-end', /!byToken/, 'false')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'is no session of a key while nobody can say' },
  },
  {
    name: 'a holder of ADMIN_TOKEN who seals sessions of others',
    edits: [edit('token-seals-others', /own\.holder\.kind === 'admin-token' \? (\{.*\}) : null/, '$1')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'lets nobody seal a session of another one' },
  },
  {
    name: 'a session that opens calls of the drop',
    edits: [edit('cookie-for-claims', /request\.url\.startsWith\(.*?\)/, 'request.url')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'opens admin calls alone' },
  },
  {
    name: 'a session with which pages of other origins change things',
    edits: [edit('forged-calls', /if \(.*\)\) return;/, 'if (SAFE_METHODS.size > 0) return;')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'may not change anything with no Origin' },
  },
  {
    name: 'a session that takes any origin',
    edits: [edit('any-origin', /host !== askedHost/, 'host === ""')],
    caughtBy: { project: 'unit', file: 'session/sessions', title: 'may not change anything with another origin' },
  },
  {
    name: 'a claim that needs no entry',
    edits: [edit('claim-without-entry', /this\.entries\.judge\(.*\)/, "'admitted' as 'admitted' | 'unknown'")],
    caughtBy: { project: 'unit', file: 'claim-issuance', title: 'keeps out who has no good entry token' },
  },
  {
    name: 'an entry token that never expires',
    edits: [edit('eternal-entry', />= parseInt/, '< parseInt')],
    caughtBy: { project: 'unit', file: 'entry-token', title: 'is good from notBefore until expiresAt' },
  },
  {
    name: 'an entry token that is good for every user',
    edits: [edit('entry-for-anyone', /\\n\$\{userId\}/, '')],
    caughtBy: { project: 'unit', file: 'entry-token', title: 'lets no other user in' },
  },
  {
    name: 'a proof of work that is good for every user',
    edits: [edit('proof-for-anyone', / \|\| data\.user !== userId/, '')],
    caughtBy: { project: 'unit', file: 'proof-of-work', title: 'is for one user in one campaign' },
  },
  {
    name: 'a Turnstile token that is good for every user',
    edits: [edit('turnstile-for-anyone', /found\.action === .*;/, 'true;')],
    caughtBy: { project: 'unit', file: 'turnstile', title: 'refuses a token that was made for another user' },
  },
  {
    name: 'an entry for everybody while a flood has Turnstile limit the installation',
    edits: [edit('throttled-turnstile', /=== 429/, '=== 0')],
    caughtBy: { project: 'unit', file: 'turnstile', title: 'lets nobody in because siteverify limits' },
  },
  {
    name: 'an entry that is good for an hour though no one could judge the challenge',
    edits: [edit('unchecked-entry', /isUnchecked \?/, 'signing.id === "" ?')],
    caughtBy: { project: 'unit', file: 'entry-desk', title: 'and for ten minutes where the challenge could not be' },
  },
  {
    name: 'a watcher who takes nothing, and for whom everything is kept',
    edits: [edit('a-slow-watcher-is-buffered', /this\.response\.writableLength === 0/, 'this.open')],
    caughtBy: { project: 'unit', file: 'streams/event-stream.spec', title: 'drops a caller who takes nothing' },
  },
  {
    name: 'watchers who leave no connection to claims',
    edits: [edit('watchers-take-all-connections', /Math\.floor\(connections \/ 2\)/, 'connections')],
    caughtBy: { project: 'unit', file: 'streams/event-streams', title: 'leave half of the connections to claims' },
  },
  {
    name: 'a revoked key that goes on watching',
    edits: [edit('a-revoked-key-watches', /&& !\(await .*\)\)/, '&& !this.stopping && this.stopping)')],
    caughtBy: { project: 'unit', file: 'streams/event-streams', title: 'end when the credential is taken back' },
  },
  {
    name: 'a claim behind a stream that is carried out without an answer',
    edits: [edit('a-claim-behind-a-stream', /makeLastAnswer\(reply\)/, 'void reply')],
    caughtBy: { project: 'unit', file: 'e2e/live-connections', title: 'have nothing else to ask on their connection' },
  },
  {
    name: 'requests behind a stream that stay in memory',
    edits: [edit('bytes-behind-a-stream', /if \(this\.streaming\) .*/, '')],
    caughtBy: { project: 'unit', file: 'e2e/live-connections', title: 'lose their place when they send more' },
  },
  {
    name: 'a watcher who has hung up and keeps the place',
    edits: [edit('a-half-closed-watcher-stays', /socket\.once\(.*\);/, '')],
    caughtBy: {
      project: 'unit',
      file: 'e2e/live-connections',
      title: 'have hung up when they close their half of the connection',
    },
  },
  {
    name: 'the rate of one process shown as that of all',
    edits: [edit('one-process-for-all', /all\.reduce\(/, 'all.slice(0, 1).reduce(')],
    caughtBy: { project: 'unit', file: 'live/traffic-meter', title: 'is the sum of what all processes do' },
  },
  {
    name: 'an operator who approves what they have asked for',
    edits: [edit('approved-alone', /approval\.requestedBy\.id === actor\.id/, 'approval.requestedBy.id === ""')],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'a close waits for another operator' },
  },
  {
    name: 'an approval that does not look whether it is used up or over',
    edits: [edit('approved-twice', /row\?\.status .*\)\) throw/, 'row === null) throw')],
    caughtBy: {
      project: 'unit',
      file: 'e2e/two-operators',
      title: 'a discard of many that two operators approve at once',
    },
  },
  {
    name: 'an approval of a version that neither operator has seen',
    edits: [edit('approved-another-version', /version === order\.version/, 'version >= 0')],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'what has changed since is not done' },
  },
  {
    name: 'a close that needs one operator',
    edits: [edit('closed-alone', /assent\.kind === 'needed' && /, "assent.kind === 'given' && ")],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'a close waits for another operator' },
  },
  {
    name: 'a lowering that needs one operator',
    edits: [edit('lowered-alone', /assent\.kind === 'needed' && /, "assent.kind === 'given' && ")],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'a lowering is done exactly as it was asked for' },
  },
  {
    name: 'a discard that needs one operator',
    edits: [edit('discarded-alone', /assent\.kind === 'needed'/, "assent.kind === 'given'")],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'a discard needs two, one or many' },
  },
  {
    name: 'a discard of many that needs one operator',
    edits: [edit('many-discarded-alone', /assent\.kind === 'needed' && /, "assent.kind === 'given' && ")],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'a discard needs two, one or many' },
  },
  {
    name: 'an operator who approves keys',
    edits: [edit('operators-approve-keys', /approval\.neededRole/, "'operator'")],
    caughtBy: { project: 'unit', file: 'e2e/two-operators', title: 'keys of operators and admins need two admins' },
  },
  {
    name: 'no row lock on the approval',
    edits: [edit('unlocked-approval', /\$\{lockExclusive\}/, '${lockExclusive.slice(0, 0)}')],
    caughtBy: {
      project: 'adapters',
      file: 'contract/mysql.stack',
      title: 'are decided by one of those who try at once',
    },
  },
];
