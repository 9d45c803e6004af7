import { expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type NewApiKey } from '../../../src/ports/database/api-key-store.js';
import { type DatabaseUnderTest } from './database-under-test.js';

export function describeApiKeyStore({ write, read }: DatabaseUnderTest): void {
  const newKey = (over: Partial<NewApiKey> = {}): NewApiKey => ({
    id: ulid(),
    name: '쇼핑몰 서버 🛒',
    role: 'issuer',
    secretDigest: 'x'.repeat(43),
    createdBy: 'bootstrap',
    expiresAt: null,
    ...over,
  });

  it('keeps a key as it was made', async () => {
    const made = newKey({ expiresAt: 4_102_444_800_000 });
    const stored = await write(({ apiKeys }) => apiKeys.insert(made));
    expect(stored).toEqual({ ...made, createdAt: expect.any(Number), lastUsedAt: null, revokedAt: null });
    const other = await write(({ apiKeys }) => apiKeys.insert(newKey()));
    expect(await read(({ apiKeys }) => apiKeys.findMany([ulid(), made.id]))).toEqual([stored]);
    expect(await read(({ apiKeys }) => apiKeys.findMany([made.id, other.id]))).toHaveLength(2);
    expect(await read(({ apiKeys }) => apiKeys.findMany([ulid()]))).toEqual([]);
  });

  it('revokes a key once and for good', async () => {
    const { id } = await write(({ apiKeys }) => apiKeys.insert(newKey()));
    const revoked = await write(({ apiKeys }) => apiKeys.revoke(id));
    expect(revoked?.revokedAt).toEqual(expect.any(Number));
    expect(await write(({ apiKeys }) => apiKeys.revoke(id))).toEqual(revoked);
    expect(await write(({ apiKeys }) => apiKeys.revoke(ulid()))).toBeNull();
  });

  it('notes when a key was used', async () => {
    const { id, createdAt } = await write(({ apiKeys }) => apiKeys.insert(newKey()));
    await write(({ apiKeys }) => apiKeys.noteUse(id));
    expect((await read(({ apiKeys }) => apiKeys.findMany([id])))[0]?.lastUsedAt).toBeGreaterThanOrEqual(createdAt);
  });

  it('lists the newest first, page by page', async () => {
    const ids = ['0', '1', '2'].map((last) => `7ZZZZZZZZZZZZZZZZZZZZZZZZ${last}`);
    for (const id of ids) await write(({ apiKeys }) => apiKeys.insert(newKey({ id })));
    const list = async (limit: number, beforeId?: string) =>
      (await read(({ apiKeys }) => apiKeys.list(limit, beforeId))).map(({ id }) => id);
    expect(await list(2)).toEqual([ids[2], ids[1]]);
    expect(await list(1, ids[1])).toEqual([ids[0]]);
  });
}
