import { type Schemas } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { Icon, type IconName } from './Icon.tsx';
import './parts.css';

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'quiet';

interface BadgeProps {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: Text;
}

/** A state: a word, a shape and a colour. */
export function Badge({ tone, icon, word }: BadgeProps) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {text(word)}
    </span>
  );
}

type CampaignState = Schemas['AdminCampaign']['state'];

const CAMPAIGN: Record<CampaignState, BadgeProps> = {
  DRAFT: { tone: 'quiet', icon: 'draft', word: { ko: '초안', en: 'Draft' } },
  SCHEDULED: { tone: 'accent', icon: 'wait', word: { ko: '예정', en: 'Scheduled' } },
  OPEN: { tone: 'good', icon: 'on', word: { ko: '진행 중', en: 'Open' } },
  PAUSED: { tone: 'warn', icon: 'pause', word: { ko: '일시 중지', en: 'Paused' } },
  CLOSED: { tone: 'quiet', icon: 'stop', word: { ko: '영구 종료', en: 'Closed' } },
  ENDED: { tone: 'quiet', icon: 'end', word: { ko: '기간 종료', en: 'Ended' } },
};

/** What the two states mean after which no claim is admitted: they look alike, and one of them is final. */
const MEANINGS: Partial<Record<CampaignState, Text>> = {
  ENDED: {
    ko: '종료 시각이 지났습니다. 종료 시각을 뒤로 바꾸면 다시 열립니다.',
    en: 'Its end has passed. With a later end it opens again.',
  },
  CLOSED: { ko: '영구히 닫혔습니다. 다시 열 수 없습니다.', en: 'Closed for good: it cannot be opened again.' },
};

const SOLD_OUT: Text = { ko: '소진', en: 'Sold out' };
const ALL_CLAIMED: Text = { ko: '모두 신청됨', en: 'All claimed' };

export const CAMPAIGN_STATES = Object.keys(CAMPAIGN) as readonly CampaignState[];

export function campaignStateWord(state: CampaignState): Text {
  return CAMPAIGN[state].word;
}

/** What the state means, where its word alone does not say it. */
export function campaignStateMeaning(state: CampaignState): Text | undefined {
  return MEANINGS[state];
}

export function StateBadge({ state }: { readonly state: CampaignState }) {
  const meaning = MEANINGS[state];
  if (meaning === undefined) return <Badge {...CAMPAIGN[state]} />;
  return (
    <span title={text(meaning)}>
      <Badge {...CAMPAIGN[state]} />
    </span>
  );
}

/** Nothing is left: every coupon is issued, or claimed and still to be issued. Nothing while some are left. */
export function StockBadge({ remaining, soldOutAt }: Pick<Schemas['Campaign'], 'remaining' | 'soldOutAt'>) {
  if (soldOutAt !== null) return <Badge tone="accent" icon="good" word={SOLD_OUT} />;
  return remaining === 0 ? <Badge tone="warn" icon="wait" word={ALL_CLAIMED} /> : null;
}
