import { Injectable } from '@nestjs/common';
import { changedTerms, logDraft, logDraftChanged } from '../../domain/campaign-log-lines.js';
import { asPublished, type CampaignDraft } from '../../domain/campaign.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { type DraftChange } from '../../ports/database/campaign-draft-store.js';
import { Database } from '../../ports/database/database.js';

export type DraftChangeOutcome =
  | { readonly kind: 'done'; readonly draft: CampaignDraft }
  | { readonly kind: 'no-draft' | 'precondition-failed' | 'window-inverted' };

export type DraftDeletionOutcome =
  /** The draft as it was. */
  | { readonly kind: 'done'; readonly draft: CampaignDraft }
  | { readonly kind: 'campaign-not-found' | 'campaign-published' | 'precondition-failed' };

/** Changes and deletes drafts; `CampaignCreator` makes and publishes them. The gate hears of none of them. */
@Injectable()
export class CampaignDrafts {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError */
  find(id: string): Promise<CampaignDraft | null> {
    return this.database.read((unit) => unit.drafts.find(id));
  }

  /**
   * `no-draft`: it was published, or there never was one.
   * @throws DatabaseError
   */
  async change(
    id: string,
    change: DraftChange,
    hasSeen: VersionCondition,
    by: CallOrigin,
  ): Promise<DraftChangeOutcome> {
    // Every change of a campaign comes here first. A lock needs a right on the table that an older installation has not given.
    if ((await this.find(id)) === null) return { kind: 'no-draft' };
    let before: CampaignDraft | null = null;
    const outcome = await this.database.transaction(async (unit): Promise<DraftChangeOutcome> => {
      const draft = await unit.drafts.lock(id);
      if (draft === null) return { kind: 'no-draft' };
      if (!hasSeen(draft.version)) return { kind: 'precondition-failed' };
      const { startsAt, endsAt } = { ...draft, ...change };
      if (endsAt !== null && endsAt <= startsAt) return { kind: 'window-inverted' };
      const changed = await unit.drafts.update(id, change, draft.version + 1);
      const detail = { ...changedTerms(asPublished(draft), asPublished(changed)), version: changed.version };
      await unit.audit.record({ action: 'draft.change', subject: id, campaignId: id, by, detail });
      before = draft;
      return { kind: 'done', draft: changed };
    });
    if (outcome.kind === 'done' && before !== null) logDraftChanged(before, outcome.draft, by);
    return outcome;
  }

  /**
   * Deletes a draft for good; its lines in the audit stay. A campaign that was published may have claims, so it is never
   * deleted.
   * @throws DatabaseError
   */
  async delete(id: string, hasSeen: VersionCondition, by: CallOrigin): Promise<DraftDeletionOutcome> {
    const outcome = await this.database.transaction(async (unit): Promise<DraftDeletionOutcome> => {
      const draft = await unit.drafts.lock(id);
      if (draft === null) {
        const isPublished = (await unit.campaigns.find(id)) !== null;
        return { kind: isPublished ? 'campaign-published' : 'campaign-not-found' };
      }
      if (!hasSeen(draft.version)) return { kind: 'precondition-failed' };
      await unit.drafts.delete(id);
      const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, ...detail } = draft;
      await unit.audit.record({ action: 'draft.delete', subject: id, campaignId: id, by, detail });
      return { kind: 'done', draft };
    });
    if (outcome.kind === 'done') logDraft('draft-deleted', outcome.draft, by);
    return outcome;
  }
}
