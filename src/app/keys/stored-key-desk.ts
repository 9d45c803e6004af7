import { KeyAdministration, type KeyOrder } from '../../modules/keys/key-administration.js';
import { type KeyJson, keyJson } from '../../modules/keys/key-json.js';
import { StoredKeys } from '../../modules/keys/stored-keys.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { systemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { byCommand } from '../../platform/identity/actor.js';
import { type Database } from '../../ports/database/database.js';
import { type KeyDesk } from './key-desk.js';

const BY_COMMAND = byCommand('npm run key');

/** Keys of one page, of one read of the database. */
const PAGE = 100;

/** The keys in a database. Processes that serve it know a new key at once, and refuse a revoked one within 5 s. */
export class StoredKeyDesk implements KeyDesk {
  private readonly keys: KeyAdministration;

  constructor(
    database: Database,
    readonly place: string,
  ) {
    this.keys = new KeyAdministration(
      database,
      new StoredKeys(database, systemClock, systemTimers),
      new SystemEntropy(),
      systemClock,
    );
  }

  async create(order: KeyOrder): Promise<KeyJson & { readonly key: string }> {
    const outcome = await this.keys.create(order, BY_COMMAND);
    if (outcome.kind !== 'created') throw new StartupError('--expires must lie in the future');
    return { ...keyJson(outcome.key), key: outcome.text };
  }

  async *list(): AsyncGenerator<KeyJson> {
    let before: string | null | undefined;
    while (before !== null) {
      const { rows, next } = await this.keys.list(PAGE, before);
      yield* rows.map(keyJson);
      before = next;
    }
  }

  async revoke(id: string): Promise<KeyJson | null> {
    const outcome = await this.keys.revoke(id, BY_COMMAND);
    return outcome.kind === 'key-not-found' ? null : keyJson(outcome.key);
  }
}
