import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { isoOf } from '../../domain/iso-of.js';
import { Clock } from '../../platform/flow/clock.js';
import { KeptRead } from '../../platform/flow/kept-read.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { SessionRecords } from '../../platform/identity/session/session-records.js';
import { type SealedSession, type SessionKey } from '../../platform/identity/session/session-seal.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';

/** As those of API keys: what an operator has ended is refused everywhere after 5 s. */
const TIMES = { cachedMs: 5_000, refreshMs: 2_500, keptMs: 600_000, pauseMs: 500 };
/** A new key seals only after this time, ms, by the database's clock: every api has read it by then. */
const SEALS_AFTER_MS = 10_000;
/** How many sessions are remembered; the one that was used longest ago is forgotten first. */
const MAX_REMEMBERED = 1_000;

/** How many sign-ins may wait for the database to be written. Further ones are refused while it is away. */
const MAX_UNWRITTEN = 1_000;
/** How often it is tried to write them, ms. */
const WRITE_MS = 5_000;

export const SESSION_BEGUN = 'session.begin';
export const SESSION_ENDED = 'session.end';

/** A sign-in whose row is not in the audit yet. */
interface Unwritten {
  readonly id: string;
  readonly by: CallOrigin;
  readonly detail: { readonly expiresAt: number; readonly beganAt: string };
}

/**
 * The keys of sessions, and which sessions were ended. A session is ended by its row in `admin_audit`: the row that says
 * who signed out is the one that every api asks for.
 */
@Injectable()
export class StoredSessions extends SessionRecords implements BeforeApplicationShutdown {
  private readonly logger = new Logger(StoredSessions.name);
  private readonly sealing: KeptRead<readonly SessionKey[]>;
  private readonly ended = new Map<string, KeptRead<boolean>>();
  /** The oldest first. */
  private readonly unwritten: Unwritten[] = [];
  private readonly writing: PeriodicTask;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    super();
    this.writing = new PeriodicTask(timers, WRITE_MS, () => this.writeWaiting());
    this.sealing = new KeptRead(() => this.readKeys(), TIMES, clock);
  }

  override keys(): Promise<readonly SessionKey[]> {
    return this.sealing.get();
  }

  override isEnded(id: string): Promise<boolean> {
    return this.endOf(id).get();
  }

  /** Before the connections to the database close. Each sign-in that stays unwritten has its line in the log. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.writing.stop();
    await this.writeWaiting();
  }

  /**
   * Notes that a session has begun. While the database is away the log has it at once, and the audit when the database is
   * back: an operator has to get in then.
   * @param isAway the database did not answer a moment ago, and is not waited for again.
   * @throws DatabaseError when the database refuses the row, or too many sign-ins wait for it.
   */
  async noteBegin({ id, expiresAt }: SealedSession, by: CallOrigin, isAway = false): Promise<void> {
    try {
      if (isAway) throw new DatabaseError('infrastructure', 'AWAY', 'the database did not answer');
      await this.record(SESSION_BEGUN, id, by, { expiresAt });
    } catch (error) {
      if (!saysAway(error) || this.unwritten.length >= MAX_UNWRITTEN) throw error;
      this.keepUnwritten({ id, by, detail: { expiresAt, beganAt: isoOf(this.clock.wall()) } });
    }
    this.endOf(id).set(false);
  }

  /** Ends a session: here at once, in every other process within 5 s. @throws DatabaseError */
  async end({ id }: SealedSession, by: CallOrigin): Promise<void> {
    await this.record(SESSION_ENDED, id, by, {});
    this.endOf(id).set(true);
  }

  private keepUnwritten(one: Unwritten): void {
    const { actor, address, requestId } = one.by;
    this.logger.warn({
      message: 'a session began while the database is away; the audit log has it later',
      event: 'session.unrecorded',
      actor: actor.id,
      name: actor.name,
      address,
      requestId,
    });
    this.unwritten.push(one);
    this.writing.start();
  }

  /** Never rejects. Ends when the first row finds the database still away. */
  private async writeWaiting(): Promise<void> {
    for (let one = this.unwritten[0]; one !== undefined; one = this.unwritten[0]) {
      try {
        await this.writeOnce(one);
      } catch (error) {
        if (saysAway(error)) return;
        this.logger.error(`the audit log refuses a session that has begun: ${(error as Error).message}`);
      }
      this.unwritten.shift();
    }
    this.writing.pause();
  }

  /** The transaction that seemed to fail may have been committed. */
  private writeOnce({ id, by, detail }: Unwritten): Promise<void> {
    return this.database.transaction(async (unit) => {
      if (await unit.audit.has(SESSION_BEGUN, id)) return;
      await unit.audit.record({ action: SESSION_BEGUN, subject: id, campaignId: null, by, detail });
    });
  }

  private endOf(id: string): KeptRead<boolean> {
    const read =
      this.ended.get(id) ??
      new KeptRead(() => this.database.read((unit) => unit.audit.has(SESSION_ENDED, id)), TIMES, this.clock);
    putNewest(this.ended, id, read, MAX_REMEMBERED);
    return read;
  }

  private record(action: string, subject: string, by: CallOrigin, detail: Record<string, unknown>): Promise<void> {
    return this.database.transaction((unit) => unit.audit.record({ action, subject, campaignId: null, by, detail }));
  }

  private readKeys(): Promise<readonly SessionKey[]> {
    return this.database.read(async (unit) => {
      const keys = await unit.installationKeys.keysFor('session');
      const now = await unit.now();
      const seals = keys.find(({ createdAt }) => createdAt <= now - SEALS_AFTER_MS) ?? keys.at(-1);
      return seals === undefined ? [] : [seals, ...keys.filter((key) => key !== seals)];
    });
  }
}

function saysAway(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === 'infrastructure';
}
