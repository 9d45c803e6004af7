import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetClock } from '../../../test/support/flow.js';
import { type Issuance, issuanceOf } from '../../../test/support/issuance.js';
import { watchOf } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import {
  GateBusyError,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
} from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';

describe('an outage of claims', () => {
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let pass: GatePass;
  let parts: Issuance;
  let lines: string[];
  let clock: SetClock;
  let user = 0;

  beforeEach(async () => {
    clock = new SetClock();
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'default' });
    pass = await openEpoch(stack, 10);
    watch = watchOf(stack, clock);
    await watch.refresh();
    parts = issuanceOf(stack, watch, stack.log, clock);
    lines = [];
    for (const level of ['error', 'log'] as const) {
      jest.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => {
        if (/^claims are/.test(String(text))) lines.push(`${level} ${String(text)}`);
      });
    }
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await parts.unpublished.drain();
    await watch.onApplicationShutdown();
    await stack.close();
  });

  const apply = async () =>
    (await parts.issuance.apply({ campaignId: 'default', userId: `u${user++}`, idempotencyKey: null })).kind;
  const lookAfter = (ms: number) => {
    clock.pass(ms);
    parts.outage.look();
  };

  it.each<[string, Error, RegExp]>([
    ['refuses', new GateUnavailableError('Redis refuses, it is out of memory (maxmemory): OOM'), /out of memory/],
    ['does not answer', new GateTimeoutError('late'), /does not answer/],
    ['has too many waiting', new GateBusyError('busy'), /too many claims wait for the gate/],
  ])(
    'is one line when it begins and one when it is over, however many claims a gate that %s costs',
    async (_how, error, cause) => {
      const claim = stack.gate.claim.bind(stack.gate);
      stack.gate.claim = () => Promise.reject(error);
      for (let count = 0; count < 30; count++) {
        expect(await apply()).toMatch(/^(issuer-unavailable|claim-unconfirmed)$/);
      }
      expect(lines).toEqual([expect.stringMatching(/^error claims are answered 503: /)]);
      expect(lines[0]).toMatch(cause);
      stack.gate.claim = claim;
      jest
        .spyOn(watch, 'state', 'get')
        .mockReturnValue({ state: 'open', epoch: 10, databaseAway: false, gateTrouble: null, script: null });
      // A read in the same instant as the trouble proves nothing.
      clock.pass(1);
      expect(await apply()).toBe('accepted');
      lookAfter(1_000);
      expect(lines).toHaveLength(1);
      lookAfter(6_000);
      lookAfter(2_000);
      expect(lines.slice(1)).toEqual([
        expect.stringMatching(/^log claims are taken again after \d+ s; 30 were answered 503$/),
      ]);
    },
  );

  it('that comes and goes is one', async () => {
    const claim = stack.gate.claim.bind(stack.gate);
    for (let round = 0; round < 10; round++) {
      stack.gate.claim = () => Promise.reject(new GateUnavailableError('OOM'));
      await apply();
      stack.gate.claim = claim;
      lookAfter(0);
    }
    expect(lines).toHaveLength(1);
  });

  it('that no claim has met yet is logged after some time, and ends by itself', () => {
    watch.reportGateRefusal(new GateUnavailableError('Redis is away'));
    lookAfter(0);
    lookAfter(4_000);
    expect(lines).toEqual([]);
    lookAfter(1_500);
    expect(lines).toEqual(['error claims are answered 503: Redis is away']);
    jest
      .spyOn(watch, 'state', 'get')
      .mockReturnValue({ state: 'open', epoch: 10, databaseAway: false, gateTrouble: null, script: null });
    lookAfter(500);
    expect(lines.slice(1)).toEqual(['log claims are taken again after 6 s; 0 were answered 503']);
  });

  it('lasts from the first 503 to the last one, or to the end of what stood in the way, without the quiet time behind it', () => {
    const state = jest
      .spyOn(watch, 'state', 'get')
      .mockReturnValue({ state: 'open', epoch: 10, databaseAway: false, gateTrouble: null, script: null });
    parts.outage.refused('busy');
    clock.pass(12_000);
    parts.outage.refused('busy');
    lookAfter(4_999);
    expect(lines).toHaveLength(1);
    lookAfter(1);
    expect(lines.slice(1)).toEqual(['log claims are taken again after 12 s; 2 were answered 503']);

    // A balancer takes the process out: no claim is refused any more, and the outage goes on.
    watch.reportGateRefusal(new GateUnavailableError('Redis is away'));
    state.mockRestore();
    parts.outage.refused('unused');
    lookAfter(30_000);
    jest
      .spyOn(watch, 'state', 'get')
      .mockReturnValue({ state: 'open', epoch: 10, databaseAway: false, gateTrouble: null, script: null });
    lookAfter(500);
    expect(lines.slice(3)).toEqual(['log claims are taken again after 30 s; 1 were answered 503']);
  });

  it('is no outage when one campaign is on its way to the gate, or is unknown', async () => {
    await storeCampaign(stack, { id: 'young' });
    for (const campaignId of ['young', 'unknown']) {
      await parts.issuance.apply({ campaignId, userId: 'u', idempotencyKey: null });
    }
    expect(lines).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a fence', () => Promise.resolve(watch.reportFence(10, 'count-mismatch')), /closed until it is rebuilt/],
    [
      'a damaged campaign',
      () => Promise.resolve((stack.memory.campaign(10, 'default').count += 1)),
      /cannot be trusted: count-mismatch/,
    ],
  ])('names %s', async (_what, happen, cause) => {
    await happen();
    expect(await apply()).toBe('issuer-unavailable');
    expect(lines).toEqual([expect.stringMatching(cause)]);
  });

  it('takes no slot any more once neither the log nor the database takes claims, and finds both mended by itself', async () => {
    const sql = (text: string) => stack.connection.exclusive((runner) => runner.query(text));
    for (const table of ['journal', 'failed_events', 'journal_offsets']) {
      await sql(`CREATE TRIGGER ${table}_full BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`);
    }
    expect(parts.admission.obstacle).toBeNull();
    expect(await apply()).toBe('claim-unconfirmed');
    const next = user;
    for (let count = 0; count < 5; count++) expect(await apply()).toBe('issuer-unavailable');
    expect(lines).toEqual([expect.stringMatching(/neither the claim log nor the database takes claims: .*full/)]);
    expect(await stack.gate.lookUp(pass, 'default', `u${next}`)).toEqual({ kind: 'absent' });
    await sql('DROP TRIGGER failed_events_full');
    await until('the database is found mended', () => parts.admission.obstacle === null);
    expect(stack.log.away).toBe(true);
    expect(await apply()).toBe('accepted');
    for (const table of ['journal', 'journal_offsets']) await sql(`DROP TRIGGER ${table}_full`);
    await until('the journal is found mended', () => !stack.log.away);
    expect(await apply()).toBe('accepted');
    const events = await stack.database.read((unit) => unit.failedEvents.list({ limit: 10 }));
    expect(events).toHaveLength(1);
  });
});
