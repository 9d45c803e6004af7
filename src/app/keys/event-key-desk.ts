import { isoOf } from '../../domain/iso-of.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { type Entropy } from '../../platform/flow/entropy.js';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { type Database, type UnitOfWork } from '../../ports/database/database.js';

const SECRET_BYTES = 32;
/**
 * How long the newest key must have been there before an older one is retired, ms. Every process that reaches the
 * database signs with the newest five seconds after it was made. Consumers have some minutes for what was signed before.
 */
const SETTLED_MS = 600_000;

/** What an operator does with the keys of the events on the log. Each change leaves a row in `admin_audit`. */
export class EventKeyDesk {
  constructor(
    private readonly database: Database,
    private readonly entropy: Pick<Entropy, 'fill'>,
  ) {}

  /** Makes a new key. @returns its id. */
  rotate(): Promise<string> {
    const secret = Buffer.alloc(SECRET_BYTES);
    this.entropy.fill(secret);
    return this.database.transaction(async (unit) => {
      const id = await unit.installationKeys.add('event', secret);
      await record(unit, 'event-key.rotate', id);
      return id;
    });
  }

  /** Takes a key out of use: what it has signed is no claim any more. @throws StartupError when that would do harm. */
  async retire(id: string): Promise<void> {
    await this.database.transaction(async (unit) => {
      const [newest] = await unit.installationKeys.keysFor('event');
      const ageMs = (await unit.now()) - (newest?.createdAt ?? 0);
      if (ageMs < SETTLED_MS) {
        throw new StartupError(
          `the newest key is ${Math.floor(ageMs / 1_000)} s old, and events of the one before may wait for a consumer: ` +
            `retire ${id} when the newest is ${SETTLED_MS / 60_000} minutes old, and coupon_consumer_lag has been 0 since`,
        );
      }
      if (!(await unit.installationKeys.retire('event', id))) {
        throw new StartupError(`${id} is no key in use, or it is the newest: nothing could be signed without that one`);
      }
      await record(unit, 'event-key.retire', id);
    });
  }

  /** From now on unsigned events are refused, or accepted again. */
  async demandSignatures(demanded: boolean): Promise<void> {
    await this.database.transaction(async (unit) => {
      await unit.gate.lockExclusive();
      await unit.gate.demandSignatures(demanded);
      await record(unit, demanded ? 'event-key.refuse-unsigned' : 'event-key.accept-unsigned', 'gate');
    });
  }

  /** One line for each key in use, and one for what happens to unsigned events. */
  async lines(): Promise<string[]> {
    const { keys, signedSince } = await this.database.read(async (unit) => ({
      keys: await unit.installationKeys.keysFor('event'),
      signedSince: (await unit.gate.read()).signedSince,
    }));
    return [
      ...keys.map(({ id, createdAt }, n) => `${id}  ${n === 0 ? 'signs' : 'verifies'}, made ${isoOf(createdAt)}`),
      signedSince === null
        ? 'unsigned events are accepted: run this with --refuse-unsigned once every process signs'
        : `unsigned events are refused since ${isoOf(signedSince)}`,
    ];
  }
}

function record(unit: UnitOfWork, action: string, subject: string): Promise<void> {
  return unit.audit.record({ action, subject, campaignId: null, by: BY_SERVICE, detail: {} });
}
