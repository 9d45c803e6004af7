import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CampaignTerms,
  GateBusyError,
  GateTimeoutError,
  GateUnavailableError,
  IssuanceGate,
} from '../../ports/gate/issuance-gate.js';
import { type UnwatchedGate } from '../../ports/gate/unwatched-gate.js';
import { type EpochWatch } from './epoch-watch.js';
import { WatchedGate } from './watched-gate.js';

type Call = Exclude<keyof IssuanceGate, 'onReconnected' | 'describeServer'>;

const pass = { epoch: 10, fence: 'fence', installation: 'own' };
const claim = { campaignId: 'c', userId: 'u', claimId: 'x' };
const terms = { campaignId: 'c' } as CampaignTerms;

/** Every call of the port: one that is added does not compile until it stands here. */
const calls: { readonly [K in Call]: Parameters<IssuanceGate[K]> } = {
  claim: [pass, { ...claim, idempotencyDigest: null }],
  lookUp: [pass, 'c', 'u'],
  clearPending: [pass, [claim]],
  release: [pass, claim],
  openCampaign: [pass, terms],
  changeTerms: [pass, terms],
  removeCampaign: [pass, 'c', 1],
  gauge: [pass, ['c']],
  pendingBefore: [pass, 'c', 1, 2, 3],
  redatePending: [pass, 'c', 1],
  openMissing: [pass, terms],
  ping: [pass],
  checkWritable: [],
  now: [],
};
const names = Object.keys(calls) as Call[];

/** The adapter: each call is answered alike. */
let bare: Record<keyof IssuanceGate, jest.Mock<(...given: unknown[]) => Promise<unknown>>>;
let gate: WatchedGate;
let reported: string[];

beforeEach(() => {
  reported = [];
  const watch = {
    reportGateTrouble: () => reported.push('trouble'),
    reportGateRefusal: ({ message }: Error) => reported.push(message),
  };
  bare = Object.fromEntries(
    [...names, 'onReconnected', 'describeServer'].map((name) => [name, jest.fn()]),
  ) as typeof bare;
  gate = new WatchedGate(bare as unknown as UnwatchedGate, watch as unknown as EpochWatch);
});

const call = (name: Call) => (gate[name] as (...given: unknown[]) => Promise<unknown>)(...calls[name]);

describe.each(names)('%s', (name) => {
  it('hands the question and the answer on, and reports nothing', async () => {
    const answer = { kind: 'answer' };
    bare[name].mockResolvedValue(answer);
    expect(await call(name)).toBe(answer);
    expect(bare[name].mock.calls).toEqual([calls[name]]);
    expect(reported).toEqual([]);
  });

  it.each([
    [new GateTimeoutError('no answer'), 'trouble'],
    [new Error('a mistake of ours'), 'trouble'],
    // A claim that the gate refuses says that it takes none.
    [new GateUnavailableError('out of memory'), name === 'claim' ? 'out of memory' : 'trouble'],
  ])('reports %s before the caller hears of it', async (error, report) => {
    bare[name].mockRejectedValue(error);
    const heard = call(name).catch((reason: unknown) => ({ reason, reported: [...reported] }));
    expect(await heard).toEqual({ reason: error, reported: [report] });
  });

  it('reports nothing about a call that was not sent', async () => {
    bare[name].mockRejectedValue(new GateBusyError('too many'));
    await expect(call(name)).rejects.toThrow('too many');
    expect(reported).toEqual([]);
  });
});

it('hands listeners for new connections on', () => {
  const listener = () => undefined;
  gate.onReconnected(listener);
  expect(bare.onReconnected).toHaveBeenCalledWith(listener);
});

describe('a description of the server', () => {
  it('is no reason to doubt the epoch when it fails', async () => {
    bare.describeServer.mockRejectedValue(new GateUnavailableError('away'));
    await expect(gate.describeServer()).rejects.toThrow('away');
    expect(reported).toEqual([]);
  });
});
