import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { claimEvent } from '../../../test/support/claims.js';
import {
  type EmbeddedStack,
  openEmbeddedStack,
  openEpoch,
  SharedSqliteDatabase,
  storeCampaign,
} from '../../../test/support/embedded.js';
import { eventually } from '../../../test/support/eventually.js';
import { SetClock } from '../../../test/support/flow.js';
import { type Issuance, issuanceOf } from '../../../test/support/issuance.js';
import { watchOf } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { type ClaimEvent } from '../../domain/claim.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import {
  type ClaimOutcome,
  GateBusyError,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
} from '../../ports/gate/issuance-gate.js';
import { ClaimLog, ClaimLogUnavailableError, type LogOffsets, type LogRecord } from '../../ports/log/claim-log.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { type ApplicationOutcome, type ClaimIssuance } from './claim-issuance.js';
import { EpochOverError } from './unpublished-claims.js';

/** The real journal; a test can delay or break it. */
class DoorToLog extends ClaimLog {
  away = false;
  full = false;
  /** Awaited before a publication reaches the journal. */
  before: (event: ClaimEvent) => Promise<void> = () => Promise.resolve();
  readonly published: ClaimEvent[] = [];

  constructor(private readonly journal: ClaimLog) {
    super();
  }

  async publish(event: ClaimEvent): Promise<void> {
    await this.before(event);
    await this.journal.publish(event);
    this.published.push(event);
  }

  endOffsets(): Promise<LogOffsets> {
    return this.journal.endOffsets();
  }
  startOffsets(): Promise<LogOffsets> {
    return this.journal.startOffsets();
  }
  committedOffsets(): Promise<LogOffsets> {
    return this.journal.committedOffsets();
  }
  read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]> {
    return this.journal.read(from, to);
  }
  drain(): Promise<void> {
    return this.journal.drain();
  }
}

/** Clocks that stand nearly still; a test suspends the machine, which stops the monotonic one. */
class SuspendedClock extends SetClock {
  suspendedMs = 0;

  /** What is looked at later is later, by so little that no claim runs out of time. */
  override monotonic(): number {
    this.at.monotonic += 0.001;
    return super.monotonic();
  }

  override wall(): number {
    return super.wall() + this.suspendedMs;
  }
}

const broken = () => Promise.reject(new ClaimLogUnavailableError('the log is away'));

describe('claim issuance', () => {
  let stack: EmbeddedStack;
  let log: DoorToLog;
  let watch: EpochWatch;
  let issuance: ClaimIssuance;
  let parts: Issuance;
  let clock: SuspendedClock;
  let pass: GatePass;

  beforeEach(async () => {
    stack = await openEmbeddedStack(SharedSqliteDatabase);
    await storeCampaign(stack, { id: 'default', total: 3 });
    pass = await openEpoch(stack, 10);
    log = new DoorToLog(stack.log);
    clock = new SuspendedClock();
    watch = watchOf(stack, clock);
    await watch.start();
    parts = issuanceOf(stack, watch, log, clock);
    issuance = parts.issuance;
  });
  afterEach(async () => {
    await parts.unpublished.drain();
    await watch.onApplicationShutdown();
    await stack.close();
  });

  const apply = (userId: string, more: { campaignId?: string; idempotencyKey?: string } = {}) =>
    issuance.apply({ campaignId: 'default', idempotencyKey: null, userId, ...more });
  const failedEvents = () => stack.database.read((unit) => unit.failedEvents.list({ limit: 10 }));
  const claimIdOf = (outcome: ApplicationOutcome) => {
    if (outcome.kind !== 'accepted') throw new Error(`not accepted but ${outcome.kind}`);
    return outcome.claim.claimId;
  };

  /** No read is answered until the returned function is called. */
  const freezeDatabase = () => {
    let thaw: () => void = () => undefined;
    const frozen = new Promise<void>((resolve) => (thaw = resolve));
    const read = stack.database.read.bind(stack.database);
    stack.database.read = (work) => frozen.then(() => read(work));
    return thaw;
  };
  /** Every read of the gate row, or every other one, takes so long on the clock. */
  const slowReads = (ofWhat: 'gate row' | 'rest', ms: number) => {
    const read = stack.database.read.bind(stack.database);
    const slow: typeof read = async (work) => {
      const found = await read(work);
      clock.suspendedMs += ms;
      return found;
    };
    stack.database.readUrgently = ofWhat === 'gate row' ? slow : read;
    stack.database.read = ofWhat === 'rest' ? slow : read;
  };

  it('keeps out who has no good entry token before the gate is asked: no slot is taken', async () => {
    for (const reason of ['missing', 'invalid', 'not-yet-valid', 'expired'] as const) {
      parts.entries.verdict = reason;
      expect(await apply('alice')).toEqual({ kind: 'entry-required', campaignId: 'default', reason });
    }
    const counted = await parts.registry.getSingleMetricAsString('coupon_claims_total');
    expect(counted).toContain('{campaign="default",outcome="entry_required"} 4');
    parts.entries.verdict = 'admitted';
    expect(await apply('alice')).toMatchObject({ kind: 'accepted', claim: { sequence: 1 } });
  });

  it('promises nothing before it is known which campaigns require an entry', async () => {
    parts.entries.verdict = 'unknown';
    expect(await apply('alice')).toEqual({ kind: 'issuer-unavailable' });
    parts.entries.verdict = 'admitted';
    expect(await apply('alice')).toMatchObject({ kind: 'accepted', claim: { sequence: 1 } });
  });

  it('promises nothing before the log has acknowledged the claim', async () => {
    let open: () => void = () => undefined;
    log.before = () => new Promise((resolve) => (open = resolve));
    let answered = false;
    const answer = apply('a').finally(() => (answered = true));
    await eventually(async () => {
      expect(await stack.gate.lookUp(pass, 'default', 'a')).toMatchObject({ kind: 'found', pending: true });
    });
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    open();
    const outcome = await answer;
    expect(outcome).toMatchObject({ kind: 'accepted', replayed: false, claim: { sequence: 1 } });
    expect(log.published).toEqual([
      expect.objectContaining({ claimId: claimIdOf(outcome), userId: 'a', epoch: 10, sequence: 1 }),
    ]);
  });

  it('stores the claim as a failed event when the log does not take it', async () => {
    log.before = broken;
    const outcome = await apply('a');
    expect(await failedEvents()).toEqual([
      expect.objectContaining({
        status: 'PENDING',
        source: 'API',
        attempts: 0,
        claim: expect.objectContaining({ claimId: claimIdOf(outcome), userId: 'a', sequence: 1, epoch: 10 }),
      }),
    ]);
  });

  it('stores it also when another instance inserts a claim of the same batch first', async () => {
    log.before = broken;
    const transaction = stack.database.transaction.bind(stack.database);
    let attempts = 0;
    stack.database.transaction = (work) => {
      attempts += 1;
      return attempts === 1
        ? Promise.reject(new DatabaseError('duplicate', 'ER_DUP_ENTRY', 'failed_events_once'))
        : transaction(work);
    };
    const outcome = await apply('a');
    expect(await failedEvents()).toMatchObject([{ claim: { claimId: claimIdOf(outcome) } }]);
    expect(attempts).toBe(2);
  });

  it('stores it also beside one that a rebuild has overtaken', async () => {
    const { unpublished } = parts;
    const failure = { errorClass: 'unpublished', errorCode: 'away', errorMessage: 'away' };
    const [late, current] = [9, 10].map((epoch) => claimEvent({ campaignId: 'default', epoch })) as [
      ClaimEvent,
      ClaimEvent,
    ];
    const saved = await Promise.allSettled(
      [late, current].map((claim) => unpublished.save({ claim, source: 'API', failure })),
    );
    expect(saved).toEqual([
      { status: 'rejected', reason: expect.any(EpochOverError) },
      { status: 'fulfilled', value: undefined },
    ]);
    expect(await failedEvents()).toMatchObject([{ claim: { claimId: current.claimId } }]);
  });

  it('does not even try a log that is known to be away', async () => {
    log.away = true;
    log.before = () => {
      throw new Error('asked');
    };
    expect(await apply('a')).toMatchObject({ kind: 'accepted' });
    expect(await failedEvents()).toHaveLength(1);
  });

  it('names the claim but promises nothing when neither the log nor the database takes it', async () => {
    log.before = broken;
    await stack.connection.exclusive((runner) =>
      runner.query("CREATE TRIGGER full BEFORE INSERT ON failed_events BEGIN SELECT RAISE(ABORT, 'full'); END"),
    );
    const outcome = await apply('a');
    expect(outcome).toEqual({ kind: 'claim-unconfirmed', claimId: expect.any(String) });
    expect(await stack.gate.lookUp(pass, 'default', 'a')).toMatchObject({ kind: 'found', pending: true });
  });

  it('promises nothing under an epoch that ended while the claim was on its way', async () => {
    log.before = async () => {
      await openEpoch(stack, 11);
      await watch.refresh();
    };
    expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
  });

  it('promises nothing after a host has stopped together with its clocks, while the gate was rebuilt', async () => {
    // No time passes by any clock, and no gate call fails: only the row shows it.
    log.before = async () => void (await openEpoch(stack, 11));
    expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
    expect(log.published).toHaveLength(1);
  });

  it('replays nothing after such a stop either', async () => {
    const claimId = claimIdOf(await apply('a', { idempotencyKey: 'k' }));
    log.before = async () => void (await openEpoch(stack, 11));
    expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
  });

  it('promises nothing that was published after a sleep in which the gate may have been rebuilt', async () => {
    log.before = async () => {
      clock.suspendedMs = 10_000;
      // During the sleep another process rebuilds and takes the log's end. Then the database goes away.
      await openEpoch(stack, 11);
      stack.database.read = () => Promise.reject(new Error('away'));
    };
    expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
    expect(log.published).toHaveLength(1);
  });

  it.each([
    [1_000, 'accepted'],
    [2_001, 'claim-unconfirmed'],
  ])('takes %d ms until a claim is durable, and answers %s', async (suspendedMs, kind) => {
    log.before = () => {
      clock.suspendedMs = suspendedMs;
      return Promise.resolve();
    };
    expect(await apply('a')).toMatchObject({ kind });
  });

  it('writes no failed event under an epoch that is over', async () => {
    log.before = async () => {
      await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
      throw new ClaimLogUnavailableError('the log is away');
    };
    expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
    expect(await failedEvents()).toEqual([]);
  });

  it('takes no slot while neither the log nor the database is there to make it durable', async () => {
    log.away = true;
    jest.spyOn(watch, 'state', 'get').mockReturnValue({ ...watch.state, databaseAway: true });
    expect(await apply('a')).toEqual({ kind: 'issuer-unavailable' });
    expect(await stack.gate.lookUp(pass, 'default', 'a')).toEqual({ kind: 'absent' });
  });

  it('takes no slot when the log has no room', async () => {
    log.full = true;
    expect(await apply('a')).toEqual({ kind: 'issuer-unavailable' });
    expect(await stack.gate.lookUp(pass, 'default', 'a')).toEqual({ kind: 'absent' });
  });

  it('gives the same key its first answer again, and publishes again while the claim is pending', async () => {
    const first = await apply('a', { idempotencyKey: 'k' });
    const again = await apply('a', { idempotencyKey: 'k' });
    expect(again).toEqual({ ...first, replayed: true });
    expect(log.published.map(({ claimId }) => claimId)).toEqual([claimIdOf(first), claimIdOf(first)]);
    await stack.gate.clearPending(pass, [{ campaignId: 'default', userId: 'a', claimId: claimIdOf(first) }]);
    expect(await apply('a', { idempotencyKey: 'k' })).toMatchObject({ replayed: true });
    expect(log.published).toHaveLength(2);
  });

  it('does not promise a pending claim to the same key without an acknowledgement of its own', async () => {
    const outcome = await apply('a', { idempotencyKey: 'k' });
    const claimId = claimIdOf(outcome);
    log.before = broken;
    await stack.connection.exclusive((runner) =>
      runner.query("CREATE TRIGGER full BEFORE INSERT ON failed_events BEGIN SELECT RAISE(ABORT, 'full'); END"),
    );
    expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
  });

  describe('that is replayed after an operator has discarded it', () => {
    let claimId: string;

    beforeEach(async () => {
      log.before = broken;
      claimId = claimIdOf(await apply('a', { idempotencyKey: 'k' }));
      await stack.connection.exclusive((runner) => runner.query("UPDATE failed_events SET status = 'DISCARDED'"));
    });

    it('is not promised while the gate still shows it', async () => {
      await stack.gate.clearPending(pass, [{ campaignId: 'default', userId: 'a', claimId }]);
      expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
    });

    it('is not promised for having been published again either', async () => {
      log.before = () => Promise.resolve();
      expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
    });
  });

  it('promises nothing again when the database does not tell whether the claim was discarded', async () => {
    const claimId = claimIdOf(await apply('a', { idempotencyKey: 'k' }));
    await stack.connection.exclusive((runner) => runner.query('ALTER TABLE failed_events RENAME TO elsewhere'));
    expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
  });

  describe('whose time is up', () => {
    /** More than a claim's remaining time, and less than a call to the database may take. */
    const PATIENCE_OF_A_READ_MS = 800;
    let readIsGivenUp: boolean;
    let patience: NodeJS.Timeout | undefined;
    let thaw: () => void = () => undefined;

    afterEach(() => {
      clearTimeout(patience);
      thaw();
    });

    const slowGate = (ms: number) => {
      const claim = stack.gate.claim.bind(stack.gate);
      stack.gate.claim = (...call) => {
        clock.suspendedMs += ms;
        return claim(...call);
      };
    };
    /** The gate takes most of the time, and then the database does not answer. */
    const freezeBehindGate = () => {
      slowGate(1_900);
      thaw = freezeDatabase();
      readIsGivenUp = false;
      const { read } = stack.database;
      stack.database.read = (work) => {
        // Timers that begin in one turn end in the order of their times, also on a slow machine.
        patience = setTimeout(() => (readIsGivenUp = true), PATIENCE_OF_A_READ_MS);
        return read(work);
      };
    };
    /** A claim with a key that is no longer pending: a replay needs no publication. */
    const claimSettled = async () => {
      const claimId = claimIdOf(await apply('a', { idempotencyKey: 'k' }));
      await stack.gate.clearPending(pass, [{ campaignId: 'default', userId: 'a', claimId }]);
      return claimId;
    };

    it('while the epoch is confirmed is promised nothing', async () => {
      slowGate(1_500);
      slowReads('gate row', 600);
      expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
    });

    it('while the database does not answer is told so at its own deadline, not at that of the database call', async () => {
      freezeBehindGate();
      expect(await apply('a')).toMatchObject({ kind: 'claim-unconfirmed' });
      expect(readIsGivenUp).toBe(false);
    });

    it('while the database is asked whether the claim is discarded is not promised it again', async () => {
      const claimId = await claimSettled();
      slowReads('rest', 2_001);
      expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
    });

    it('while the epoch is confirmed is not promised the claim again', async () => {
      const claimId = await claimSettled();
      slowGate(1_500);
      slowReads('gate row', 600);
      expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
    });

    it('when the database cannot be asked whether the claim is discarded is told so at once', async () => {
      const claimId = await claimSettled();
      freezeBehindGate();
      expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
      expect(readIsGivenUp).toBe(false);
    });

    it('when the database cannot be asked whether the campaign exists is told so at once', async () => {
      freezeBehindGate();
      expect(await apply('a', { campaignId: 'invented' })).toEqual({ kind: 'issuer-unavailable' });
      expect(readIsGivenUp).toBe(false);
    });
  });

  it('logs once for an outage that the database does not tell whether campaigns exist', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const refused = jest
      .spyOn(stack.database, 'read')
      .mockRejectedValue(new DatabaseError('infrastructure', 'AWAY', 'away'));
    for (const campaignId of ['invented-1', 'invented-2']) await apply('a', { campaignId });
    expect(warn.mock.calls.filter(([line]) => String(line).includes('whether a campaign exists'))).toHaveLength(1);
    refused.mockRestore();
    expect(await apply('a', { campaignId: 'invented-3' })).toEqual({ kind: 'campaign-not-found' });
  });

  it('does not replay what was durable too late', async () => {
    const claimId = claimIdOf(await apply('a', { idempotencyKey: 'k' }));
    log.before = async () => void (clock.suspendedMs = 2_001);
    expect(await apply('a', { idempotencyKey: 'k' })).toEqual({ kind: 'claim-unconfirmed', claimId });
  });

  it('shows the claim to another key, without promising anything', async () => {
    const first = await apply('a', { idempotencyKey: 'k' });
    for (const idempotencyKey of ['other', undefined]) {
      const again = await apply('a', idempotencyKey === undefined ? {} : { idempotencyKey });
      expect(again).toMatchObject({ kind: 'already-claimed', claim: { claimId: claimIdOf(first) } });
    }
    expect(log.published).toHaveLength(1);
  });

  it('tells a campaign that does not exist from one that the gate has lost', async () => {
    const fences: string[] = [];
    watch.onFence((_epoch, reason) => fences.push(reason));
    expect(await apply('a', { campaignId: 'invented' })).toEqual({ kind: 'campaign-not-found' });
    expect(fences).toEqual([]);

    await stack.connection.exclusive((runner) => runner.query('UPDATE campaigns SET created_at = 0'));
    stack.memory.campaign(10, 'default').terms = null;
    expect(await apply('a')).toEqual({ kind: 'issuer-unavailable' });
    expect(fences).toEqual(['meta-missing']);
    expect(watch.pass).toBeNull();
  });

  it('answers 503 for an unknown campaign while the database is silent', async () => {
    const thaw = freezeDatabase();
    let outcome: ApplicationOutcome | undefined;
    const answer = apply('a', { campaignId: 'invented' }).then((found) => (outcome = found));
    try {
      expect(await until('an answer', () => outcome)).toEqual({ kind: 'issuer-unavailable' });
    } finally {
      thaw();
      await answer;
    }
  });

  it('does not take a campaign that is just being opened for a lost one', async () => {
    await storeCampaign(stack, { id: 'young' });
    const fences: string[] = [];
    watch.onFence((_epoch, reason) => fences.push(reason));
    expect(await apply('a', { campaignId: 'young' })).toEqual({ kind: 'issuer-unavailable' });
    expect(fences).toEqual([]);
  });

  it('fails closed when a claim has vanished from the gate', async () => {
    await apply('a');
    stack.memory.campaign(10, 'default').applied.delete('a');
    expect(await apply('b')).toEqual({ kind: 'issuer-unavailable' });
    expect(await apply('a')).toEqual({ kind: 'issuer-unavailable' });
  });

  it.each<[string, Error, ApplicationOutcome['kind']]>([
    ['cannot be reached', new GateUnavailableError('refused'), 'issuer-unavailable'],
    ['does not answer in time', new GateTimeoutError('late'), 'claim-unconfirmed'],
  ])('promises nothing when the gate %s', async (_what, error, kind) => {
    const claim = stack.gate.claim.bind(stack.gate);
    stack.gate.claim = () => Promise.reject<ClaimOutcome>(error);
    expect(await apply('a')).toMatchObject({ kind });
    stack.gate.claim = claim;
    expect(await apply('a')).toMatchObject({ kind: 'accepted' });
  });

  it('still trusts a gate for which too many claims wait, also while the database is away', async () => {
    const trouble = jest.spyOn(watch, 'reportGateTrouble');
    stack.gate.claim = () => Promise.reject<ClaimOutcome>(new GateBusyError('too many'));
    expect(await apply('a')).toMatchObject({ kind: 'issuer-unavailable' });
    expect(trouble).not.toHaveBeenCalled();
  });

  it('counts what the gate decided, and never by an invented id', async () => {
    const { issuance: counted, registry, storedIds } = issuanceOf(stack, watch, log);
    for (const userId of ['a', 'a', 'b', 'c', 'd']) {
      await counted.apply({ campaignId: 'default', userId, idempotencyKey: null });
    }
    await counted.apply({ campaignId: 'invented', userId: 'a', idempotencyKey: null });
    log.full = true;
    for (const campaignId of ['invented', 'default', 'stored']) {
      await counted.apply({ campaignId, userId: 'a', idempotencyKey: null });
    }
    storedIds.replace(['stored']);
    await counted.apply({ campaignId: 'stored', userId: 'a', idempotencyKey: null });
    const text = await registry.metrics();
    expect(text).toContain('coupon_claims_total{campaign="default",outcome="accepted"} 3');
    expect(text).toContain('coupon_claims_total{campaign="default",outcome="already_claimed"} 1');
    expect(text).toContain('coupon_claims_total{campaign="default",outcome="sold_out"} 1');
    expect(text).toContain('coupon_claims_total{campaign="unknown",outcome="unavailable"} 2');
    expect(text).toContain('coupon_claims_total{campaign="default",outcome="unavailable"} 1');
    expect(text).toContain('coupon_claims_total{campaign="stored",outcome="unavailable"} 1');
    expect(text).not.toContain('invented');
  });
});
