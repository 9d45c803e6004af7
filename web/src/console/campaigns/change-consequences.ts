import { type Schemas } from '../../api/client.ts';
import { type Text } from '../../shared/language.ts';
import { type Campaign } from './campaign.ts';
import { takenOf } from './taken.ts';

/** What a change does, besides what was typed. */
export interface ChangeConsequence {
  readonly words: Text;
  readonly parts?: Readonly<Record<string, number>>;
  /** It takes something from customers, or would be refused. */
  readonly isGrave: boolean;
}

const TOTAL: Text = {
  ko: '신청 {taken}건은 그대로이고, 남은 수량은 {before}개에서 {after}개가 됩니다.',
  en: '{taken} claims stay; what is left goes from {before} to {after}.',
};
const TOO_LOW: Text = {
  ko: '이미 {taken}건이 신청되어 이보다 낮출 수 없습니다.',
  en: '{taken} are claimed already, so the total cannot go below that.',
};
const ENDS: Text = {
  ko: '종료 시각이 지났으므로 저장하는 즉시 끝납니다. {left}개는 아무도 받지 못합니다.',
  en: 'This end has passed: it ends at once, and {left} coupons go to nobody.',
};
const ENDS_UNKNOWN: Text = {
  ko: '종료 시각이 지났으므로 저장하는 즉시 끝납니다. 남은 수량은 아무도 받지 못합니다.',
  en: 'This end has passed: it ends at once, and what is left goes to nobody.',
};
const OPENS: Text = {
  ko: '저장하는 즉시 열립니다. 고객이 바로 신청할 수 있습니다.',
  en: 'It opens at once: customers can claim as soon as you save.',
};
const SHUTS: Text = {
  ko: '지금은 닫히고, 새 시작 시각까지 신청이 거절됩니다.',
  en: 'It shuts now: claims are refused until the new start.',
};
const CHECKED: Text = {
  ko: '새 확인을 아직 통과하지 않은 고객은 통과할 때까지 신청이 거절됩니다.',
  en: 'Customers who have not passed the new check yet are refused until they have.',
};

/** Would the API refuse this total? As many are claimed already. */
export function isTooLow(campaign: Campaign, total: unknown): boolean {
  const taken = takenOf(campaign);
  return campaign.state !== 'DRAFT' && typeof total === 'number' && taken !== null && total < taken;
}

/**
 * What customers notice of a change.
 * @param campaign as it is now.
 * @param now ms, by the clock of this device.
 */
export function consequencesOf(
  campaign: Campaign,
  change: Partial<Schemas['CampaignChange']>,
  now: number,
): readonly ChangeConsequence[] {
  // Nobody but operators has seen a draft.
  if (campaign.state === 'DRAFT') return [];
  return [...ofTotal(campaign, change), ...ofWindow(campaign, change, now), ...ofCheck(campaign, change)];
}

function ofTotal(campaign: Campaign, { total }: Partial<Schemas['CampaignChange']>): readonly ChangeConsequence[] {
  const taken = takenOf(campaign);
  if (typeof total !== 'number' || taken === null) return [];
  if (isTooLow(campaign, total)) return [{ words: TOO_LOW, parts: { taken }, isGrave: true }];
  const parts = { taken, before: campaign.total - taken, after: total - taken };
  return [{ words: TOTAL, parts, isGrave: false }];
}

function ofWindow(
  campaign: Campaign,
  change: Partial<Schemas['CampaignChange']>,
  now: number,
): readonly ChangeConsequence[] {
  if (change.startsAt === undefined && change.endsAt === undefined) return [];
  const end = change.endsAt === undefined ? campaign.endsAt : change.endsAt;
  if (end !== null && Date.parse(end) <= now) {
    if (change.endsAt === undefined) return [];
    const taken = takenOf(campaign);
    if (taken === null) return [{ words: ENDS_UNKNOWN, isGrave: true }];
    const total = typeof change.total === 'number' ? change.total : campaign.total;
    return [{ words: ENDS, parts: { left: Math.max(0, total - taken) }, isGrave: true }];
  }
  const start = Date.parse(change.startsAt ?? campaign.startsAt);
  if (start <= now && (campaign.state === 'SCHEDULED' || campaign.state === 'ENDED')) {
    return [{ words: OPENS, isGrave: true }];
  }
  return start > now && campaign.state === 'OPEN' ? [{ words: SHUTS, isGrave: true }] : [];
}

function ofCheck(campaign: Campaign, change: Partial<Schemas['CampaignChange']>): readonly ChangeConsequence[] {
  if (!(change.requireEntry ?? campaign.requireEntry)) return [];
  // An entry that was given for another check is good for a campaign that asks for none.
  const isOther = change.challenge !== undefined && change.challenge !== 'none';
  return change.requireEntry === true || isOther ? [{ words: CHECKED, isGrave: true }] : [];
}
