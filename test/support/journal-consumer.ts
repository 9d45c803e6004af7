import { type ClaimEvent, decodeClaimEvent, type LoggedClaim } from '../../src/domain/claim.js';
import { JOURNAL_PARTITION } from '../../src/infrastructure/journal/journal-claim-log.js';
import { type EmbeddedStack } from './embedded.js';

/** Every unsettled claim event on the journal, oldest first, as it was written. */
export async function loggedOnJournal({ log }: Pick<EmbeddedStack, 'log'>): Promise<LoggedClaim[]> {
  const events: LoggedClaim[] = [];
  for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) {
    for (const { value } of page) {
      const decoded = decodeClaimEvent(value);
      if (decoded.kind === 'claim') events.push(decoded.event);
    }
  }
  return events;
}

/** {@link loggedOnJournal}, without the sender. */
export async function eventsOnJournal(stack: Pick<EmbeddedStack, 'log'>): Promise<ClaimEvent[]> {
  return (await loggedOnJournal(stack)).map(({ installation: _sender, ...event }) => event);
}

/**
 * Runs the shortest form of the consumer's transaction, one event at a time, for tests of the steps before and after
 * it. Like a consumer that dies right after its commit, it clears no pending entries.
 */
export async function consumeJournal({ database, log }: Pick<EmbeddedStack, 'database' | 'log'>): Promise<void> {
  const end = await log.endOffsets();
  for (const event of await eventsOnJournal({ log })) {
    await database.transaction(async (unit) => {
      await unit.gate.lockShared();
      await unit.campaigns.lock([event.campaignId]);
      if ((await unit.failedEvents.statusesOf([event.claimId])).get(event.claimId) === 'DISCARDED') return;
      if ((await unit.coupons.find(event.campaignId, event.userId)) === null) {
        await unit.coupons.insert([{ ...event, code: `code-${event.claimId}`, createdAt: await unit.now() }]);
        await unit.campaigns.addIssued(event.campaignId, 1, event.claimedAt);
      }
      await unit.failedEvents.resolve([event.claimId]);
    });
  }
  await log.settle(end.get(JOURNAL_PARTITION) ?? 0);
}
