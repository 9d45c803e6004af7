import { checkSignature, type SignatureCheck } from '../../ports/log/event-signature.js';
import { type KeyRing } from '../../ports/database/key-ring.js';
import { type Authorship, type LogRecord } from '../../ports/log/claim-log.js';

const NO_BYTES = new Uint8Array();

const AUTHORS: Readonly<Record<SignatureCheck, Authorship>> = {
  good: 'own',
  missing: 'unsigned',
  bad: 'forged',
  'unknown-key': 'unknown-key',
};

/**
 * Who has written these messages of the topic, by their signatures.
 *
 * A process signs with a key only after it has read that key from the database, so its event comes later than the key. A
 * message with a key that is unknown here is judged by keys that are read after the message was.
 *
 * @throws DatabaseError
 */
export async function authorsOf(records: readonly LogRecord[], keys: KeyRing): Promise<readonly Authorship[]> {
  await keys.refresh();
  const find = keys.find.bind(keys);
  const check = ({ value }: LogRecord) => checkSignature(value ?? NO_BYTES, find);
  let checks = records.map(check);
  if (checks.includes('unknown-key')) {
    // mutant: unread-key
    await keys.readAgain();
    checks = records.map(check);
  }
  return checks.map((found) => AUTHORS[found]);
}
