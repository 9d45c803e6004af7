import { Logger } from '@nestjs/common';
import { asPublished, type Campaign, type CampaignDraft } from './campaign.js';
import { isoOf } from './iso-of.js';

const logger = new Logger('Campaigns');

/** The fields that an operator may change. */
const CHANGEABLE = [
  'name',
  'total',
  'startsAt',
  'endsAt',
  'state',
  'requireEntry',
  'challenge',
  'challengeCost',
] as const;

/** These fields as callers see them, with instants in ISO 8601. */
type Terms = Partial<Record<(typeof CHANGEABLE)[number], string | number | boolean | null>>;

/** Who has acted. `requestId` is null where the service acted by itself. */
export interface ActingCaller {
  readonly actor: { readonly id: string; readonly name: string };
  readonly requestId: string | null;
}

function actorOf({ actor, requestId }: ActingCaller) {
  return { actor: actor.name, actorId: actor.id, ...(requestId === null ? {} : { requestId }) };
}

/** Call it after the commit. */
export function logCreated(campaign: Campaign, by: ActingCaller): void {
  const { id, name } = campaign;
  const message = `campaign ${id} was created`;
  const actor = actorOf(by);
  logger.log({ message, event: 'campaign.created', campaignId: id, name, ...actor, after: termsOf(campaign) });
}

/** Call it after the commit. */
export function logPublished(campaign: Campaign, by: ActingCaller): void {
  const { id, name, version } = campaign;
  const message = `campaign ${id} was published`;
  const line = { message, event: 'campaign.published', campaignId: id, name, ...actorOf(by), version };
  logger.log({ ...line, after: termsOf(campaign) });
}

/** Logs that a draft was made or deleted. Call it after the commit. */
export function logDraft(act: 'drafted' | 'draft-deleted', draft: CampaignDraft, by: ActingCaller): void {
  const { id, name } = draft;
  const message = act === 'drafted' ? `draft ${id} was made` : `draft ${id} was deleted`;
  const { state: _state, ...terms } = termsOf(asPublished(draft));
  const line = { message, event: `campaign.${act}`, campaignId: id, name, ...actorOf(by) };
  logger.log({ ...line, [act === 'drafted' ? 'after' : 'before']: terms });
}

/** Logs what an operator has changed of a draft. Call it after the commit. */
export function logDraftChanged(before: CampaignDraft, after: CampaignDraft, by: ActingCaller): void {
  const { id, name, version } = after;
  const message = `draft ${id} was changed`;
  const line = { message, event: 'campaign.draft-changed', campaignId: id, name, ...actorOf(by), version };
  logger.log({ ...line, ...changedTerms(asPublished(before), asPublished(after)) });
}

/** Logs one line for an operator's change: changed, paused, resumed or closed. Call it after the commit. */
export function logChanged(before: Campaign, after: Campaign, by: ActingCaller): void {
  const { id, name, version } = after;
  const act = before.state === after.state ? 'changed' : ACTS[after.state];
  logger.log({
    message: `campaign ${id} was ${act}`,
    event: `campaign.${act}`,
    campaignId: id,
    name,
    ...actorOf(by),
    version,
    ...changedTerms(before, after),
  });
  if (before.soldOutAt === null && after.soldOutAt !== null) logSoldOut(after);
}

/** What differs between two versions of a campaign: each changed field before and after. */
export function changedTerms(before: Campaign, after: Campaign): { readonly before: Terms; readonly after: Terms } {
  const changed = CHANGEABLE.filter((field) => before[field] !== after[field]);
  return { before: termsOf(before, changed), after: termsOf(after, changed) };
}

/** Logs that the gate admits its claims. Only the process whose UPDATE marked the campaign as opened calls it. */
export function logOpened({ id, name, total, startsAt, endsAt }: Campaign): void {
  const window = { startsAt: isoOf(startsAt), endsAt: isoOf(endsAt) };
  const message = `campaign ${id} is open`;
  logger.log({ message, event: 'campaign.opened', campaignId: id, name, total, ...window });
}

/** Call it after the commit that set `soldOutAt`. */
export function logSoldOut({ id, name, total, soldOutAt }: Campaign): void {
  const message = `campaign ${id} is sold out`;
  logger.log({ message, event: 'campaign.sold-out', campaignId: id, name, total, soldOutAt: isoOf(soldOutAt) });
}

const ACTS = { PAUSED: 'paused', OPEN: 'resumed', CLOSED: 'closed' } as const;

function termsOf(campaign: Campaign, fields: readonly (typeof CHANGEABLE)[number][] = CHANGEABLE): Terms {
  return Object.fromEntries(
    fields.map((field) => [
      field,
      field === 'startsAt' || field === 'endsAt' ? isoOf(campaign[field]) : campaign[field],
    ]),
  );
}
