import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Command } from 'ioredis';
import { type GatePass, GateBusyError } from '../../ports/gate/issuance-gate.js';
import { SCRIPT_VERSION } from './gate-script.js';
import { type RedisConnection } from './redis-connection.js';
import { RedisIssuanceGate } from './redis-issuance-gate.js';

const PASS: GatePass = { epoch: 1, fence: 'f'.repeat(40), installation: 'own' };

describe('the gate at a Redis that answers slowly', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('refuses a claim that has waited too long for its turn, without asking for a slot that nobody would be promised', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const asked: string[][] = [];
    const answers: (() => void)[] = [];
    const sendCommand = ({ args: [, , , , , , , ...args] }: Command) => {
      const claimIds = args.map(String).filter((_arg, index) => index % 3 === 1);
      asked.push(claimIds);
      return new Promise((resolve) => answers.push(() => resolve([claimIds.map((id) => ['SOLD_OUT', id])])));
    };
    const gate = new RedisIssuanceGate({ calls: { sendCommand } } as unknown as RedisConnection);
    const claim = (claimId: string) =>
      gate.claim(PASS, { campaignId: 'c', userId: claimId, claimId, idempotencyDigest: null });
    const sent = async (batches: number) => {
      for (let turn = 0; asked.length < batches && turn < 100; turn++) await new Promise(setImmediate);
    };

    // Fills all batches that may be under way, with one claim each.
    const first = [];
    for (const [index, name] of ['first', 'second', 'third'].entries()) {
      first.push(claim(name));
      await sent(index + 1);
    }
    const late = claim('late').catch((error: unknown) => error);
    now = 400;
    const inTime = claim('in-time');
    now = 801;
    answers[0]?.();
    await sent(4);
    answers.slice(1).forEach((answer) => answer());
    expect(await Promise.all(first)).toEqual(first.map(() => ({ kind: 'sold-out', final: false })));
    expect(await inTime).toEqual({ kind: 'sold-out', final: false });
    expect(await late).toBeInstanceOf(GateBusyError);
    expect(asked).toEqual([['first'], ['second'], ['third'], ['in-time']]);
  });
});

describe('a ping', () => {
  it.each([
    ['this build', `OK ${SCRIPT_VERSION}`, { version: SCRIPT_VERSION, current: true }],
    ['another build', 'OK 0123456789ab', { version: '0123456789ab', current: false }],
    ['a build that told no version', 'OK', { version: null, current: false }],
  ])('shows that the epoch has the script of %s', async (_whose, answer, script) => {
    const evalsha = () => Promise.resolve(answer);
    const gate = new RedisIssuanceGate({ calls: { evalsha } } as unknown as RedisConnection);
    expect(await gate.ping(PASS)).toEqual({ kind: 'ok', script });
  });
});
