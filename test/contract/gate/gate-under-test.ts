import { afterAll, beforeAll, expect } from '@jest/globals';
import { ulid } from 'ulid';
import { type ClaimRequest } from '../../../src/domain/claim.js';
import { type GateBuilder } from '../../../src/ports/gate/gate-builder.js';
import {
  type CampaignGauge,
  type CampaignTerms,
  type ClaimOutcome,
  type GatePass,
  GateUnavailableError,
  type IssuanceGate,
} from '../../../src/ports/gate/issuance-gate.js';
import { INSTALLATION } from '../../support/claims.js';
import { eventually } from '../../support/eventually.js';

/** What differs between gates. Damage happens without the gate knowing, as by a wipe or an eviction. */
export interface IssuanceGateHarness {
  readonly gate: IssuanceGate;
  readonly builder: GateBuilder;
  /** An epoch that was never used in this memory, higher than the last one. */
  nextEpoch(): number;
  /** Loses all keys of every epoch. */
  wipe(): Promise<void>;
  /** Loses one of the three structures of one campaign. */
  deleteStructure(epoch: number, campaignId: string, structure: 'meta' | 'applied_user' | 'pending'): Promise<void>;
  /** Loses one user's record, and nothing else. */
  forgetRecord(epoch: number, campaignId: string, userId: string): Promise<void>;
  /** Loses one pending entry, and nothing else. */
  forgetPending(epoch: number, campaignId: string, userId: string): Promise<void>;
  close(): Promise<void>;
}

export function terms(campaignId: string, over: Partial<CampaignTerms> = {}): CampaignTerms {
  return { campaignId, total: 100, startsAt: 0, endsAt: null, state: 'OPEN', version: 1, ...over };
}

export function request(campaignId: string, userId: string, over: Partial<ClaimRequest> = {}): ClaimRequest {
  return { campaignId, userId, claimId: ulid(), idempotencyDigest: null, ...over };
}

/** Calls again until the gate answers: after a fence it may drop its connection and resolve the address again. */
export async function answered<T>(call: () => Promise<T>): Promise<T> {
  const outcome = await eventually(() =>
    call().then(
      (answer) => ({ answer }),
      (error: unknown) => {
        if (error instanceof GateUnavailableError) throw error;
        return { error: error as Error };
      },
    ),
  );
  if ('error' in outcome) throw outcome.error;
  return outcome.answer;
}

/** The parts of the contract use this: the gate of the adapter, with an open epoch. */
export interface GateUnderTest {
  readonly harness: IssuanceGateHarness;
  readonly gate: IssuanceGate;
  readonly pass: GatePass;
  openEpoch(): Promise<GatePass>;
  /** @returns the id of a campaign that is open in the epoch. */
  open(over?: Partial<CampaignTerms>): Promise<string>;
  admit(
    campaignId: string,
    userId: string,
    under?: GatePass,
  ): Promise<ClaimRequest & Extract<ClaimOutcome, { kind: 'admitted' }>>;
  gaugeOf(campaignId: string, under?: GatePass): Promise<CampaignGauge>;
}

/** Opens the adapter for the suite that calls it. */
export function gateUnderTest(openHarness: () => Promise<IssuanceGateHarness>): GateUnderTest {
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;

  const openEpoch = async (): Promise<GatePass> => {
    const epoch = harness.nextEpoch();
    return { epoch, fence: await harness.builder.installFence(epoch), installation: INSTALLATION };
  };
  const open = async (over: Partial<CampaignTerms> = {}): Promise<string> => {
    const campaignId = ulid();
    expect(await gate.openCampaign(pass, terms(campaignId, over))).toEqual({ kind: 'opened' });
    return campaignId;
  };
  const admit = async (campaignId: string, userId: string, under: GatePass = pass) => {
    const claim = request(campaignId, userId);
    const outcome = await gate.claim(under, claim);
    if (outcome.kind !== 'admitted') throw new Error(`expected admitted, got ${JSON.stringify(outcome)}`);
    return { ...claim, ...outcome };
  };
  const gaugeOf = async (campaignId: string, under: GatePass = pass) => {
    const [gauge] = await gate.gauge(under, [campaignId]);
    if (gauge?.kind !== 'gauge') throw new Error(`expected a gauge, got ${JSON.stringify(gauge)}`);
    return gauge;
  };

  beforeAll(async () => {
    harness = await openHarness();
    gate = harness.gate;
    harness.builder.useInstallation(INSTALLATION);
    pass = await openEpoch();
  });
  afterAll(() => harness.close());

  return {
    get harness() {
      return harness;
    },
    get gate() {
      return gate;
    },
    get pass() {
      return pass;
    },
    openEpoch,
    open,
    admit,
    gaugeOf,
  };
}
