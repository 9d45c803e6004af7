import { isoOf } from '../../domain/iso-of.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { type Entropy } from '../../platform/flow/entropy.js';
import { byCommand } from '../../platform/identity/actor.js';
import { type Database, type UnitOfWork } from '../../ports/database/database.js';
import { type RotatedPurpose } from '../../ports/database/installation-key-store.js';

const SECRET_BYTES = 32;
const BUILDER = 'rotate-event-key';
/**
 * How long the newest key must have been there before an older one is retired, ms. Every process that reaches the
 * database signs with the newest some seconds after it was made, also one that takes no claims. Consumers have some
 * minutes for what was signed before.
 * Of the entry tokens a process knows the newest a second after it was made, and their users can get others at once. A
 * session is sealed with the newest key 10 s after it was made, and every process knows it by then.
 */
const SETTLED_MS = { event: 600_000, entry: 10_000, session: 15_000 } as const satisfies Record<RotatedPurpose, number>;

const TOO_EARLY = {
  event: (id) =>
    `events of the one before may wait for a consumer: retire ${id} when the newest is ` +
    `${SETTLED_MS.event / 60_000} minutes old, and coupon_consumer_lag has been 0 since`,
  entry: (id) => `an api may not know it yet: retire ${id} when it is ${SETTLED_MS.entry / 1_000} s old`,
  session: (id) => `an api may not know it yet: retire ${id} when it is ${SETTLED_MS.session / 1_000} s old`,
} as const satisfies Record<RotatedPurpose, (id: string) => string>;

/**
 * What an operator does with the keys of the events on the log, of the entry tokens or of the sessions. Each change leaves
 * a row in `admin_audit`.
 */
export class EventKeyDesk {
  constructor(
    private readonly database: Database,
    private readonly entropy: Pick<Entropy, 'fill'>,
    private readonly purpose: RotatedPurpose = 'event',
  ) {}

  /** Makes a new key. @returns its id. */
  rotate(): Promise<string> {
    const secret = Buffer.alloc(SECRET_BYTES);
    this.entropy.fill(secret);
    return this.database.transaction(async (unit) => {
      const id = await unit.installationKeys.add(this.purpose, secret);
      await record(unit, `${this.purpose}-key.rotate`, id);
      return id;
    });
  }

  /** Takes a key out of use: what it has signed is no claim any more. @throws StartupError when that would do harm. */
  async retire(id: string): Promise<void> {
    await this.database.transaction(async (unit) => {
      const [newest] = await unit.installationKeys.keysFor(this.purpose);
      const ageMs = (await unit.now()) - (newest?.createdAt ?? 0);
      if (ageMs < SETTLED_MS[this.purpose]) {
        const age = `the newest key is ${Math.floor(ageMs / 1_000)} s old`;
        throw new StartupError(`${age}, and ${TOO_EARLY[this.purpose](id)}`);
      }
      if (!(await unit.installationKeys.retire(this.purpose, id))) {
        throw new StartupError(`${id} is no key in use, or it is the newest: nothing could be signed without that one`);
      }
      await record(unit, `${this.purpose}-key.retire`, id);
    });
  }

  /**
   * From now on unsigned events are refused, or accepted again.
   *
   * @param anyway refuses them also while the retry holds claims that would become DEAD by it.
   * @throws StartupError when it holds some.
   */
  async demandSignatures(demanded: boolean, { anyway = false } = {}): Promise<void> {
    await this.database.transaction(async (unit) => {
      const { epoch, signedSince } = await unit.gate.lockExclusive();
      if (demanded && !anyway) {
        const unproven = await unit.failedEvents.countUnproven();
        if (unproven > 0) {
          throw new StartupError(
            `${unproven} failed events are of unsigned claims, and would become DEAD: wait until they are RESOLVED, or give ` +
              '--anyway, and an operator decides on each of them',
          );
        }
      }
      // A rebuild has passed over unsigned claims, and may have given their slots away. Now they count again.
      if (!demanded && signedSince !== null) await closeEpoch(unit, epoch);
      await unit.gate.demandSignatures(demanded);
      await record(unit, demanded ? 'event-key.refuse-unsigned' : 'event-key.accept-unsigned', 'gate');
    });
  }

  /** One line for each key in use, and with those of the events one for what happens to unsigned ones. */
  async lines(): Promise<string[]> {
    const { keys, signedSince } = await this.database.read(async (unit) => ({
      keys: await unit.installationKeys.keysFor(this.purpose),
      signedSince: (await unit.gate.read()).signedSince,
    }));
    const lines = keys.map(
      ({ id, createdAt }, n) => `${id}  ${n === 0 ? 'signs' : 'verifies'}, made ${isoOf(createdAt)}`,
    );
    if (this.purpose !== 'event') return lines;
    return [
      ...lines,
      signedSince === null
        ? 'unsigned events are accepted: run this with --refuse-unsigned once every process signs'
        : `unsigned events are refused since ${isoOf(signedSince)}`,
    ];
  }
}

/** Like the first step of a rebuild whose builder has died: every process sees it, and one of them rebuilds the gate. */
async function closeEpoch(unit: UnitOfWork, epoch: number): Promise<void> {
  if (epoch === 0) return;
  const next = Math.max(epoch + 1, Math.floor((await unit.now()) / 1_000));
  await unit.gate.beginEpoch(BUILDER, next, 0, await unit.gate.lastOpen());
  await unit.gate.giveLeaseBack(BUILDER, next);
}

function record(unit: UnitOfWork, action: string, subject: string): Promise<void> {
  return unit.audit.record({
    action,
    subject,
    campaignId: null,
    by: byCommand('npm run rotate-event-key'),
    detail: {},
  });
}
