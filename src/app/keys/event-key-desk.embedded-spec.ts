import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
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
  const acts = async () =>
    (await stack.database.read((unit) => unit.audit.list({ limit: 10 }))).map(({ action }) => action);

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

  it('accepts unsigned events, and refuses them', async () => {
    await desk.demandSignatures(false);
    expect((await desk.lines()).at(-1)).toContain('--refuse-unsigned');
    await desk.demandSignatures(true);
    expect((await desk.lines()).at(-1)).toMatch(/refused since/);
    expect(await acts()).toEqual(['event-key.refuse-unsigned', 'event-key.accept-unsigned']);
  });
});
