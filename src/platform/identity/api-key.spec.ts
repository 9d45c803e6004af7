import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { isSecretOf, makeKey, readKey } from './api-key.js';

const fill = (bytes: Uint8Array): void => void randomFillSync(bytes);

describe('an API key', () => {
  it('is read back as it was made, and opens only with its own secret', () => {
    const id = ulid();
    const { text, secretDigest } = makeKey(id, 'operator', fill);
    expect(text).toMatch(/^cpn_operator_[0-9A-Z]{26}_[\w-]{43}$/);
    const shown = readKey(text);
    expect(shown?.id).toBe(id);
    expect(isSecretOf({ secretDigest }, shown?.secret ?? '')).toBe(true);
    const other = readKey(makeKey(id, 'operator', fill).text);
    expect(isSecretOf({ secretDigest }, other?.secret ?? '')).toBe(false);
  });

  it('does not show its secret in what is stored', () => {
    const { text, secretDigest } = makeKey(ulid(), 'viewer', fill);
    expect(secretDigest).not.toContain(readKey(text)?.secret);
    expect(secretDigest).toHaveLength(43);
  });

  it.each([
    ['another word in front', (text: string) => text.replace('cpn_', 'key_')],
    ['a role that does not exist', (text: string) => text.replace('_viewer_', '_root_')],
    ['a shorter secret', (text: string) => text.slice(0, -1)],
    ['a longer secret', (text: string) => `${text}A`],
    ['an id that is no ULID', (text: string) => text.replace(/_[0-9A-Z]{26}_/, `_${'U'.repeat(26)}_`)],
    ['a blank behind it', (text: string) => `${text} `],
  ])('is not read with %s', (_what, change) => {
    const { text } = makeKey(ulid(), 'viewer', fill);
    expect(readKey(change(text))).toBeNull();
  });

  it('with a stored digest of another length opens nothing', () => {
    expect(isSecretOf({ secretDigest: '' }, 'x'.repeat(43))).toBe(false);
  });
});
