import { randomFillSync } from 'node:crypto';
import { ulid } from 'ulid';
import { AdminToken } from '../../src/platform/identity/admin-token.js';
import { type ApiKey, makeKey } from '../../src/platform/identity/api-key.js';
import { ApiKeys } from '../../src/platform/identity/api-keys.js';
import { type KeyRole } from '../../src/platform/identity/key-role.js';

export const TEST_TOKEN = 'for-unit-tests-only-9LrD2mVhY5cJf8GsPuE3a';

/** API keys in memory, of which a test can say whether memory has them. */
export class TestKeys extends ApiKeys {
  readonly stored = new Map<string, ApiKey>();
  readonly used: string[] = [];
  asked = 0;
  inMemory = false;

  /** @returns the text of a new key. */
  add(role: KeyRole, over: Partial<ApiKey> = {}): string {
    const id = ulid();
    const { text, secretDigest } = makeKey(id, role, (bytes) => void randomFillSync(bytes));
    const never = { createdAt: 0, createdBy: 'bootstrap', expiresAt: null, lastUsedAt: null, revokedAt: null };
    this.stored.set(id, { id, name: `a ${role}`, role, secretDigest, ...never, ...over });
    return text;
  }

  override find(id: string): Promise<ApiKey | null> {
    this.asked += 1;
    return Promise.resolve(this.stored.get(id) ?? null);
  }

  override findInMemory(id: string): ApiKey | null | undefined {
    return this.inMemory ? (this.stored.get(id) ?? null) : undefined;
  }

  override noteUse({ id }: ApiKey): void {
    this.used.push(id);
  }
}

export class TestToken extends AdminToken {
  readonly value: string = TEST_TOKEN;
  readonly next: string | undefined = undefined;
  readonly origin = 'test';
  readonly created = false;
}
