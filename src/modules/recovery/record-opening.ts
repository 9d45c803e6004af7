import { hostname } from 'node:os';
import { Logger } from '@nestjs/common';
import { VERSION } from '../../platform/config/version.js';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { GATE_OPENED } from '../../ports/database/admin-audit-store.js';
import { type Database } from '../../ports/database/database.js';

/** What the history of the gate keeps of a rebuild. */
export interface Opening {
  readonly epoch: number;
  /** From the lease to the opening, ms. */
  readonly ms: number;
  /** The epoch that was open before; 0: none, or not known. */
  readonly after: number;
}

/** Keeps the opening for people. Never rejects: the gate is open, and nothing rests on its history. */
export async function recordOpening(database: Database, { epoch, ...detail }: Opening): Promise<void> {
  const action = {
    action: GATE_OPENED,
    subject: String(epoch),
    campaignId: null,
    by: BY_SERVICE,
    detail: { ...detail, instance: `${hostname()}:${process.pid}`, version: VERSION },
  };
  try {
    await database.transaction((unit) => unit.audit.record(action));
  } catch (error) {
    new Logger('GateHistory').warn(`the opening of epoch ${epoch} is in no history: ${(error as Error).message}`);
  }
}
