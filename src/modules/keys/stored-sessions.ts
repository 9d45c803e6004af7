import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { KeptRead } from '../../platform/flow/kept-read.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { SessionRecords } from '../../platform/identity/session/session-records.js';
import { type SealedSession, type SessionKey } from '../../platform/identity/session/session-seal.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { Database } from '../../ports/database/database.js';

/** As those of API keys: what an operator has ended is refused everywhere after 5 s. */
const TIMES = { cachedMs: 5_000, refreshMs: 2_500, keptMs: 600_000, pauseMs: 500 };
/** A new key seals only after this time, ms, by the database's clock: every api has read it by then. */
const SEALS_AFTER_MS = 10_000;
/** How many sessions are remembered; the one that was used longest ago is forgotten first. */
const MAX_REMEMBERED = 1_000;

export const SESSION_BEGUN = 'session.begin';
export const SESSION_ENDED = 'session.end';

/**
 * The keys of sessions, and which sessions were ended. A session is ended by its row in `admin_audit`: the row that says
 * who signed out is the one that every api asks for.
 */
@Injectable()
export class StoredSessions extends SessionRecords {
  private readonly sealing: KeptRead<readonly SessionKey[]>;
  private readonly ended = new Map<string, KeptRead<boolean>>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
    this.sealing = new KeptRead(() => this.readKeys(), TIMES, clock);
  }

  override keys(): Promise<readonly SessionKey[]> {
    return this.sealing.get();
  }

  override isEnded(id: string): Promise<boolean> {
    return this.endOf(id).get();
  }

  /** Notes that a session has begun. @throws DatabaseError */
  async noteBegin({ id, expiresAt }: SealedSession, by: CallOrigin): Promise<void> {
    await this.record(SESSION_BEGUN, id, by, { expiresAt });
    this.endOf(id).set(false);
  }

  /** Ends a session: here at once, in every other process within 5 s. @throws DatabaseError */
  async end({ id }: SealedSession, by: CallOrigin): Promise<void> {
    await this.record(SESSION_ENDED, id, by, {});
    this.endOf(id).set(true);
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
