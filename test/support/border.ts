import { encodeClaimEvent, type LoggedClaim } from '../../src/domain/claim.js';
import { type EventKey, signEvent } from '../../src/ports/log/event-signature.js';
import { authorsOf } from '../../src/infrastructure/kafka/event-authors.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { type Database } from '../../src/ports/database/database.js';
import { KeyRing } from '../../src/ports/database/key-ring.js';
import { type EmbeddedStack } from './embedded.js';

/** A log that others can write to. */
export interface Border {
  readonly keys: KeyRing;
  /** An event as a process of this installation writes it. */
  signed(event: LoggedClaim, key?: EventKey): string;
  /** From now on every event has to be signed; or not yet. */
  demand(demanded: boolean): Promise<void>;
}

/** The journal tells who has written its records, as the topic does. It writes unsigned ones itself. */
export async function makeBorder(
  stack: Pick<EmbeddedStack, 'database' | 'log'>,
  database: Pick<Database, 'readUrgently'> = stack.database,
): Promise<Border> {
  const keys = new KeyRing(database, 'event', systemClock);
  await keys.refresh();
  stack.log.authorsOf = (records) => authorsOf(records, keys);
  return {
    keys,
    signed: (event, key = keys.newest as EventKey) => signEvent(encodeClaimEvent(event), key),
    demand: (demanded) => stack.database.transaction((unit) => unit.gate.demandSignatures(demanded)),
  };
}
