import { type ClaimEvent } from '../../src/domain/claim.js';
import { type Database } from '../../src/ports/database/database.js';
import { type FailedEvent } from '../../src/ports/database/failed-event-store.js';
import { type EmbeddedStack } from './embedded.js';

/** Writes the rows that the api's fallback writes for claims that the log refuses. */
export async function failToPublish(
  { database }: { readonly database: Database },
  ...claims: ClaimEvent[]
): Promise<FailedEvent[]> {
  const failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'away' };
  return database.transaction(async (unit) => {
    await unit.failedEvents.addUnpublished(claims.map((claim) => ({ claim, source: 'API' as const, failure })));
    return unit.failedEvents.findByClaimIds(claims.map(({ claimId }) => claimId));
  });
}

/** Discards a claim that has a row, as an operator would. Its slot is not released yet. */
export async function discardClaim(
  { database }: Pick<EmbeddedStack, 'database'>,
  { claimId }: Pick<ClaimEvent, 'claimId'>,
): Promise<void> {
  await database.transaction(async (unit) => {
    const [row] = await unit.failedEvents.findByClaimIds([claimId]);
    if (row === undefined) throw new Error(`${claimId} has no failed event`);
    await unit.failedEvents.discard(row.id, 'fraud');
  });
}
