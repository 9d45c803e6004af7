import { type ClaimEvent } from '../../domain/claim.js';
import { isStaleClaim } from '../../domain/stale-claims.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type GateCut } from '../../ports/database/gate-row-store.js';
import { type ClaimLog, type LogRecord } from '../../ports/log/claim-log.js';

export type IsStale = (event: ClaimEvent, record: Pick<LogRecord, 'partition' | 'offset'>) => boolean;

/**
 * Reads what decides whether these claims are stale. The caller holds a share of the gate row: so a rebuild has stored
 * its cut before, or stores it after the caller's commit.
 *
 * Which log the claims lie on is asked of the log itself, and only when a cut names one: claims of the open epoch, which
 * are nearly all, cost no such question.
 *
 * @throws DatabaseError also when the log does not answer: the claims are not to blame, so they wait.
 */
export async function staleIn(
  unit: UnitOfWork,
  log: Pick<ClaimLog, 'logId'>,
  events: readonly ClaimEvent[],
): Promise<IsStale> {
  const cuts = new Map<number, GateCut | null>();
  for (const epoch of new Set(events.map((event) => event.epoch))) cuts.set(epoch, await unit.gate.cutAbove(epoch));
  const isNamed = [...cuts.values()].some((cut) => cut?.logId !== undefined);
  const logId = isNamed ? await idOf(log) : null;
  return ({ epoch }, record) => isStaleClaim(cuts.get(epoch) ?? null, record, logId);
}

async function idOf(log: Pick<ClaimLog, 'logId'>): Promise<string | null> {
  try {
    return await log.logId();
  } catch (error) {
    const { message } = error as Error;
    throw new DatabaseError('infrastructure', 'LOG_AWAY', `the log does not tell its id: ${message}`, { cause: error });
  }
}
