import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { eventually } from '../../../test/support/eventually.js';
import { SetTimers } from '../../../test/support/flow.js';
import { keyIdOf } from '../../ports/database/installation-key-store.js';
import { EntryBook } from './entry-book.js';
import { signEntryToken } from './entry-token.js';

describe('the book of entries', () => {
  let stack: EmbeddedStack;
  let timers: SetTimers;
  let book: EntryBook;
  beforeEach(async () => {
    stack = await openEmbeddedStack();
    timers = new SetTimers();
    book = new EntryBook(stack.database, timers.clock, timers);
  });
  afterEach(async () => {
    await book.beforeApplicationShutdown();
    await stack.close();
  });

  const store = (id: string, requireEntry: boolean) => storeCampaign(stack, { id, requireEntry });
  const judge = (campaignId: string, token?: string) => book.judge(campaignId, 'alice', token);
  /** As the book signs now. */
  const tokenOf = (campaignId: string) => {
    const { signing } = book;
    if (signing === null) throw new Error('no key');
    const now = timers.clock.wall();
    const grant = { campaignId, userId: 'alice', challenge: 'none', notBefore: now, expiresAt: now + 60_000 } as const;
    return signEntryToken(grant, signing);
  };
  /** Lets the next read begin, and waits for what it brings. */
  const nextRead = async (seen: () => void) => {
    await timers.pass(1_000);
    await eventually(seen);
  };

  it('knows nothing before it was read, and then asks where the campaign does', async () => {
    await store('asks', true);
    await store('free', false);
    expect([judge('asks'), judge('free'), judge('nothing')]).toEqual(['unknown', 'unknown', 'unknown']);
    await book.start();
    expect([judge('asks'), judge('free'), judge('nothing')]).toEqual(['missing', 'admitted', 'admitted']);
    expect(judge('asks', tokenOf('asks'))).toBe('admitted');
    expect(judge('asks', tokenOf('free'))).toBe('invalid');
  });

  it('learns of a change within a second', async () => {
    await store('c', false);
    await book.start();
    expect(judge('c')).toBe('admitted');
    await stack.database.transaction((unit) => unit.campaigns.update('c', { requireEntry: true }, 2));
    await nextRead(() => expect(judge('c')).toBe('missing'));
    await stack.database.transaction((unit) => unit.campaigns.update('c', { requireEntry: false }, 3));
    await nextRead(() => expect(judge('c')).toBe('admitted'));
  });

  it('goes by what it read last while the database is away', async () => {
    await store('c', true);
    await book.start();
    const { read } = stack.database;
    let asked = 0;
    stack.database.read = () => {
      asked += 1;
      return Promise.reject(new Error('away'));
    };
    await nextRead(() => expect(asked).toBe(1));
    await nextRead(() => expect(asked).toBe(2));
    expect([judge('c'), judge('other')]).toEqual(['missing', 'admitted']);
    expect(judge('c', tokenOf('c'))).toBe('admitted');
    Object.assign(stack.database, { read });
  });

  it('knows a new key at once, signs with it 10 s later, and forgets a retired one', async () => {
    await store('c', true);
    await book.start();
    const [old, secret] = [book.signing?.id ?? '', randomBytes(32)];
    const token = tokenOf('c');
    await stack.database.transaction((unit) => unit.installationKeys.add('entry', secret));
    await nextRead(() => expect(book.find(keyIdOf(secret))).toBeDefined());
    expect(book.signing?.id).toBe(old);
    await stack.connection.exclusive((runner) =>
      runner.query("UPDATE installation_keys SET created_at = created_at - 10001 WHERE purpose = 'entry'"),
    );
    await nextRead(() => expect(book.signing?.id).toBe(keyIdOf(secret)));
    expect([judge('c', token), judge('c', tokenOf('c'))]).toEqual(['admitted', 'admitted']);
    await stack.database.transaction((unit) => unit.installationKeys.retire('entry', old));
    await nextRead(() => expect(judge('c', token)).toBe('invalid'));
    expect(judge('c', tokenOf('c'))).toBe('admitted');
  });
});
