import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { type InstallationKey, keyIdOf } from '../../ports/database/installation-key-store.js';
import { ProofOfWork } from './proof-of-work.js';

function keyOf(byte: number): InstallationKey {
  const secret = Buffer.alloc(32, byte);
  return { id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: 0 };
}

describe('a proof of work', () => {
  const [older, newer] = [keyOf(1), keyOf(2)];
  const keys = { signing: newer, find: (id: string) => [older, newer].find((key) => key.id === id) };
  const question = { campaignId: 'default', userId: 'user-1', cost: 100, keys };
  const work = new ProofOfWork();

  const pose = async (from = work, over: Partial<typeof question> = {}): Promise<Challenge> =>
    JSON.parse(JSON.stringify(await from.pose({ ...question, ...over })));
  const payloadOf = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64');
  const solve = async (challenge: Challenge) => {
    const solution = await solveChallenge({ challenge, deriveKey });
    if (solution === null) throw new Error('not solved');
    return solution;
  };
  const verify = (content: unknown, over: Partial<typeof question> = {}) =>
    work.verify({ ...question, ...over }, payloadOf(content));

  it('is passed with what the client library of ALTCHA finds', async () => {
    const challenge = await pose();
    expect(challenge.parameters).toMatchObject({ algorithm: 'PBKDF2/SHA-256', cost: 100, keyPrefix: '00' });
    const solution = await solve(challenge);
    expect(await verify({ challenge, solution })).toBe('passed');
    // Again gets another token for the same user, who gets one coupon.
    expect(await verify({ challenge, solution })).toBe('passed');
  });

  it('is for one user in one campaign', async () => {
    const challenge = await pose();
    const solution = await solve(challenge);
    expect(await verify({ challenge, solution }, { userId: 'user-2' })).toBe('failed');
    expect(await verify({ challenge, solution }, { campaignId: 'other' })).toBe('failed');
  });

  it('is no longer good after its expiry, which a caller cannot move', async () => {
    const challenge = await pose(new ProofOfWork(() => Date.now() - 601_000));
    const solution = await solve(challenge);
    expect(await verify({ challenge, solution })).toBe('failed');
    const { expiresAt, ...rest } = challenge.parameters;
    expect(expiresAt).toBeLessThan(Date.now() / 1_000);
    const forged = [
      { ...challenge.parameters, expiresAt: 4_102_444_800 },
      // CVE-2025-68113: digits of the nonce that are read as digits of the expiry.
      { ...challenge.parameters, expiresAt: Number(`${expiresAt}9`), nonce: challenge.parameters.nonce.slice(1) },
      { ...rest, expiresAt: 0 },
      rest,
    ];
    for (const parameters of forged) {
      expect(await verify({ challenge: { ...challenge, parameters }, solution })).toBe('failed');
    }
  });

  it('counts with the cost, prefix and user that were signed, and no others', async () => {
    const challenge = await pose();
    const { parameters } = challenge;
    const easier = [
      { ...parameters, cost: 1 },
      { ...parameters, keyPrefix: '0' },
      { ...parameters, data: { ...parameters.data, user: 'user-2' } },
      { ...parameters, extra: 1 },
    ];
    for (const other of easier) {
      const solution = await solve({ ...challenge, parameters: other });
      const verdict = verify({ challenge: { ...challenge, parameters: other }, solution });
      expect(await verdict).toBe('failed');
    }
    const user2 = { ...challenge, parameters: easier[2] };
    expect(await verify({ challenge: user2, solution: await solve(challenge) }, { userId: 'user-2' })).toBe('failed');
  });

  it('is checked with the key that signed it, while that key is in use', async () => {
    const challenge = await pose(work, { keys: { ...keys, signing: older } });
    const solution = await solve(challenge);
    expect(await verify({ challenge, solution })).toBe('passed');
    const retired = { signing: newer, find: (id: string) => (id === newer.id ? newer : undefined) };
    expect(await verify({ challenge, solution }, { keys: retired })).toBe('failed');
  });

  it('fails, and never throws, with anything else', async () => {
    const challenge = await pose();
    const solution = { counter: 0, derivedKey: '00'.repeat(32) };
    const answers = [
      '',
      'x',
      '%%%',
      'bnVsbA==',
      payloadOf([]),
      payloadOf({}),
      payloadOf({ challenge, solution: null }),
    ];
    for (const answer of answers) expect(await work.verify(question, answer)).toBe('failed');
    const contents = [
      { challenge, solution },
      { challenge, solution: { ...solution, counter: -1 } },
      { challenge, solution: { ...solution, counter: 2 ** 33 } },
      { challenge, solution: { counter: 1.5, derivedKey: 'zz' } },
      { challenge: { parameters: challenge.parameters }, solution },
      { challenge: { ...challenge, signature: ['0'.repeat(64)] }, solution },
      { challenge: { ...challenge, signature: '' }, solution },
      { challenge: { ...challenge, parameters: { ...challenge.parameters, algorithm: 'SHA-256' } }, solution },
      { challenge: { ...challenge, parameters: { ...challenge.parameters, data: null } }, solution },
    ];
    for (const content of contents) expect(await verify(content)).toBe('failed');
  });
});
