import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { byOperator } from '../../../test/support/callers.js';
import { creatorOf } from '../../../test/support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { RecordingDatabase } from '../../../test/support/recording-database.js';
import { openPass, rebuilderOf, watchOf } from '../../../test/support/recovery.js';
import { type Campaign, NO_ENTRY } from '../../domain/campaign.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type CampaignCreator } from './campaign-creator.js';
import { CampaignDrafts } from './campaign-drafts.js';

const BY = byOperator('r-1');
const seen: VersionCondition = () => true;
const HOUR = 3_600_000;

describe('a draft of a campaign', () => {
  let stack: EmbeddedStack;
  let creator: CampaignCreator;
  let drafts: CampaignDrafts;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'c', total: 10 });
    await openEpoch(stack, 10);
    creator = creatorOf(stack, watchOf(stack));
    drafts = new CampaignDrafts(stack.database);
  });
  afterEach(() => stack.close());

  const draftOf = async (input: Partial<Parameters<CampaignCreator['create']>[0]> = {}, key?: string) => {
    const terms = { name: 'n', total: 5, startsAt: null, endsAt: null, isDraft: true, ...input };
    const outcome = await creator.create(terms, BY, key);
    if (outcome.kind !== 'created') throw new Error(outcome.kind);
    return outcome;
  };
  const publish = async (id: string, hasSeen = seen): Promise<Campaign> => {
    const outcome = await creator.publish(id, hasSeen, BY);
    if (outcome.kind !== 'created') throw new Error(outcome.kind);
    return outcome.campaign;
  };
  const stored = (id: string) => stack.database.read((unit) => unit.campaigns.find(id));
  const audited = async () => (await stack.database.read((unit) => unit.audit.list({ limit: 100 }))).reverse();
  const atGate = async () => [...(await stack.gate.gauge(await openPass(stack), ['c']))].map(({ kind }) => kind);
  const claim = async (campaignId: string) =>
    stack.gate.claim(await openPass(stack), { campaignId, userId: 'u', claimId: 'u', idempotencyDigest: null });

  it('is unknown to the gate, also after a rebuild', async () => {
    const { campaign } = await draftOf();
    expect(await stored(campaign.id)).toBeNull();
    expect(await claim(campaign.id)).toEqual({ kind: 'fenced', reason: 'meta-missing' });
    await rebuilderOf(stack).rebuild(10);
    expect([await atGate(), await claim(campaign.id)]).toEqual([['gauge'], { kind: 'fenced', reason: 'meta-missing' }]);
  });

  it('becomes a campaign of its terms, under the same id and the next version, and is open at the gate', async () => {
    const startsAt = Date.now() + HOUR;
    const entry = { requireEntry: true, challenge: 'proof-of-work' as const, challengeCost: 300 };
    const { campaign: draft } = await draftOf({ startsAt, endsAt: startsAt + HOUR, entry });
    const campaign = await publish(draft.id);
    const { createdAt, updatedAt } = campaign;
    expect(campaign).toEqual({ ...draft, version: 2, createdAt, updatedAt });
    expect(await stored(draft.id)).toEqual(campaign);
    expect(await drafts.find(draft.id)).toBeNull();
    expect(await claim(draft.id)).toEqual({ kind: 'campaign-not-started', startsAt });
    expect((await audited()).map(({ action, subject, campaignId }) => [action, subject, campaignId])).toEqual([
      ['draft.create', draft.id, draft.id],
      ['campaign.publish', draft.id, draft.id],
    ]);
  });

  it('whose start has passed begins when it is published', async () => {
    const { campaign: draft } = await draftOf({ startsAt: 5 });
    const before = await stack.gate.now();
    const { startsAt } = await publish(draft.id);
    expect(startsAt).toBeGreaterThanOrEqual(before);
    expect((await claim(draft.id)).kind).toBe('admitted');
  });

  it('whose end has passed is not published', async () => {
    const { campaign: draft } = await draftOf();
    expect((await drafts.change(draft.id, { startsAt: 5, endsAt: 9 }, seen, BY)).kind).toBe('done');
    expect(await creator.publish(draft.id, seen, BY)).toEqual({ kind: 'campaign-ended' });
    expect([await stored(draft.id), (await drafts.find(draft.id))?.version]).toEqual([null, 2]);
  });

  it('is published once, by however many operators at once', async () => {
    const { campaign: draft } = await draftOf();
    const published = await Promise.all(Array.from({ length: 5 }, () => publish(draft.id)));
    for (const campaign of published) expect(campaign).toEqual(published[0]);
    // What it was published as does not matter any more.
    expect(await publish(draft.id, () => false)).toEqual(published[0]);
    expect((await audited()).map(({ action }) => action)).toEqual(['draft.create', 'campaign.publish']);
  });

  it('is published while the gate is away, and opens there later', async () => {
    const { campaign: draft } = await draftOf();
    const { openCampaign } = stack.gate;
    stack.gate.openCampaign = () => Promise.reject(new GateUnavailableError('away'));
    expect(await publish(draft.id)).toMatchObject({ version: 2 });
    Object.assign(stack.gate, { openCampaign });
    await rebuilderOf(stack).rebuild(10);
    expect((await claim(draft.id)).kind).toBe('admitted');
  });

  it('is changed by those who have seen its version', async () => {
    const { campaign: draft } = await draftOf();
    const change = { name: 'other', total: 1, startsAt: 7, endsAt: 9 };
    expect(await drafts.change(draft.id, change, (version) => version === 2, BY)).toEqual({
      kind: 'precondition-failed',
    });
    const changed = await drafts.change(draft.id, change, (version) => version === 1, BY);
    expect(changed).toMatchObject({ kind: 'done', draft: { ...change, version: 2 } });
    expect(await drafts.change(draft.id, { endsAt: 7 }, seen, BY)).toEqual({ kind: 'window-inverted' });
    expect(await creator.publish(draft.id, (version) => version === 1, BY)).toEqual({ kind: 'precondition-failed' });
    expect((await audited()).at(-1)).toMatchObject({
      action: 'draft.change',
      detail: { before: { name: 'n', total: 5 }, after: { name: 'other', total: 1 }, version: 2 },
    });
  });

  it('is not looked for with a lock when a campaign is changed', async () => {
    const recording = new RecordingDatabase(stack.database);
    const change = { total: 5 };
    expect(await new CampaignDrafts(recording).change('c', change, seen, BY)).toEqual({ kind: 'no-draft' });
    expect(recording.calls).toEqual([]);
  });

  it('is deleted, and leaves its lines in the audit; a campaign is not', async () => {
    const { campaign: draft } = await draftOf();
    expect(await drafts.delete(draft.id, (version) => version === 2, BY)).toEqual({ kind: 'precondition-failed' });
    expect(await drafts.delete(draft.id, seen, BY)).toMatchObject({ kind: 'done', draft: { id: draft.id, total: 5 } });
    expect(await drafts.delete(draft.id, seen, BY)).toEqual({ kind: 'campaign-not-found' });
    expect(await creator.publish(draft.id, seen, BY)).toEqual({ kind: 'campaign-not-found' });
    expect(await drafts.change(draft.id, { total: 1 }, seen, BY)).toEqual({ kind: 'no-draft' });
    expect(await drafts.delete('c', seen, BY)).toEqual({ kind: 'campaign-published' });
    expect((await audited()).map(({ action }) => action)).toEqual(['draft.create', 'draft.delete']);
    expect((await audited()).at(-1)?.detail).toMatchObject({ name: 'n', total: 5, version: 1 });
  });

  it('is made once for a key, which is for no campaign then', async () => {
    const first = await draftOf({}, 'key');
    const again = await draftOf({}, 'key');
    expect([again.campaign.id, again.replayed]).toEqual([first.campaign.id, true]);
    const input = { name: 'n', total: 5, startsAt: null, endsAt: null, entry: NO_ENTRY };
    expect(await creator.create(input, BY, 'key')).toEqual({ kind: 'idempotency-key-reused' });
    expect(await stack.database.read((unit) => unit.drafts.list(10))).toHaveLength(1);
  });
});
