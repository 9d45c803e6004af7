import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf, EPOCH } from '../../../test/support/claims.js';
import { recordOf } from '../../../test/support/consumer.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch } from '../../../test/support/embedded.js';
import { rebuilderOf, SharedGateBuilder } from '../../../test/support/recovery.js';
import { type ClaimEvent } from '../../domain/claim.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { type RotatedPurpose } from '../../ports/database/installation-key-store.js';
import { EventKeyDesk } from './event-key-desk.js';

describe('EventKeyDesk', () => {
  let stack: EmbeddedStack;
  let desk: EventKeyDesk;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    desk = new EventKeyDesk(stack.database, new SystemEntropy());
  });
  afterEach(() => stack.close());

  const ids = async (purpose: RotatedPurpose = 'event') =>
    (await stack.database.read((unit) => unit.installationKeys.keysFor(purpose))).map(({ id }) => id);
  const acts = async () => {
    const rows = await stack.database.read((unit) => unit.audit.list({ limit: 10 }));
    for (const { by } of rows) expect(by.actor).toEqual({ id: 'command', name: 'npm run rotate-event-key' });
    return rows.map(({ action }) => action);
  };

  it('makes a key that signs from now on, and leaves the old one to verify', async () => {
    const [first] = await ids();
    const second = await desk.rotate();
    expect(await ids()).toEqual([second, first]);
    expect(await desk.lines()).toEqual([
      expect.stringMatching(new RegExp(`^${second} {2}signs, made 2\\d{3}-`)),
      expect.stringMatching(new RegExp(`^${first} {2}verifies, made 2\\d{3}-`)),
      expect.stringMatching(/^unsigned events are refused since 2\d{3}-/),
    ]);
    expect(await acts()).toEqual(['event-key.rotate']);
  });

  it('retires a key only when the newest has been there for a while, and never the newest', async () => {
    const [first = ''] = await ids();
    const second = await desk.rotate();
    await expect(desk.retire(first)).rejects.toThrow(/^the newest key is \d s old/);
    await stack.connection.exclusive((runner) =>
      runner.query('UPDATE installation_keys SET created_at = created_at - 600000'),
    );
    await expect(desk.retire(second)).rejects.toThrow(/it is the newest/);
    await desk.retire(first);
    expect(await ids()).toEqual([second]);
    await expect(desk.retire(first)).rejects.toThrow(/is no key in use/);
    expect(await acts()).toEqual(['event-key.retire', 'event-key.rotate']);
  });

  it('does the same with the keys of entry tokens, where the newest need be there for 10 s only', async () => {
    const entries = new EventKeyDesk(stack.database, new SystemEntropy(), 'entry');
    const [events, [first = '']] = [await ids(), await ids('entry')];
    const second = await entries.rotate();
    expect(await ids('entry')).toEqual([second, first]);
    expect(await entries.lines()).toEqual([
      expect.stringMatching(new RegExp(`^${second} {2}signs, made 2\\d{3}-`)),
      expect.stringMatching(new RegExp(`^${first} {2}verifies, made 2\\d{3}-`)),
    ]);
    await expect(entries.retire(first)).rejects.toThrow(/^the newest key is \d s old, and an api may not know it/);
    await stack.connection.exclusive((runner) =>
      runner.query("UPDATE installation_keys SET created_at = created_at - 10000 WHERE purpose = 'entry'"),
    );
    await entries.retire(first);
    expect([await ids(), await ids('entry')]).toEqual([events, [second]]);
    expect(await acts()).toEqual(['entry-key.retire', 'entry-key.rotate']);
  });

  it('closes the epoch when it accepts unsigned events: a rebuild has passed over them, and they count again', async () => {
    await openEpoch(stack, EPOCH);
    const before = await stack.database.read((unit) => unit.gate.read());
    await desk.demandSignatures(true);
    expect(await stack.database.read((unit) => unit.gate.read())).toEqual(before);
    await desk.demandSignatures(false);
    const { row, lastOpen } = await stack.database.read(async (unit) => ({
      row: await unit.gate.read(),
      lastOpen: await unit.gate.lastOpen(),
    }));
    expect(row).toMatchObject({ fence: null, builder: null });
    expect([row.epoch > before.epoch, lastOpen]).toEqual([true, before.epoch]);
    // As a process does that finds no epoch open.
    await rebuilderOf(stack, { builder: new SharedGateBuilder(stack.memory) }).rebuild(row.epoch - 1);
    const rebuilt = await stack.database.read((unit) => unit.gate.read());
    expect([rebuilt.epoch > row.epoch, rebuilt.fence !== null, rebuilt.signedSince]).toEqual([true, true, null]);
    // Nothing changes: they were accepted already.
    await desk.demandSignatures(false);
    expect(await stack.database.read((unit) => unit.gate.read())).toEqual(rebuilt);
  });

  it('leaves alone what the retry may still publish, until it is told to', async () => {
    const failure = { errorClass: 'poison', errorCode: 'refused-by-database', errorMessage: '' };
    const store = (n: number, unsigned: boolean, claim: ClaimEvent | null = claimOf(n)) =>
      stack.database.transaction((unit) =>
        unit.failedEvents.quarantine([{ record: recordOf('', n), claim, unsigned, failure }]),
      );
    await store(1, false);
    await store(2, true, null);
    await desk.demandSignatures(true);
    await desk.demandSignatures(false);
    await store(3, true);
    await expect(desk.demandSignatures(true)).rejects.toThrow(/^1 failed events are of unsigned claims/);
    expect((await desk.lines()).at(-1)).toContain('--refuse-unsigned');
    await desk.demandSignatures(true, { anyway: true });
    expect((await desk.lines()).at(-1)).toMatch(/refused since/);
  });

  it('accepts unsigned events, and refuses them', async () => {
    await desk.demandSignatures(false);
    expect((await desk.lines()).at(-1)).toContain('--refuse-unsigned');
    await desk.demandSignatures(true);
    expect((await desk.lines()).at(-1)).toMatch(/refused since/);
    expect(await acts()).toEqual(['event-key.refuse-unsigned', 'event-key.accept-unsigned']);
  });
});
