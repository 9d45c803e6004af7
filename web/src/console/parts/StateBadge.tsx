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
  CLOSED: { tone: 'quiet', icon: 'stop', word: { ko: '마감', en: 'Closed' } },
  ENDED: { tone: 'quiet', icon: 'end', word: { ko: '기간 만료', en: 'Ended' } },
};

const SOLD_OUT: Text = { ko: '소진', en: 'Sold out' };

export const CAMPAIGN_STATES = Object.keys(CAMPAIGN) as readonly CampaignState[];

export function campaignStateWord(state: CampaignState): Text {
  return CAMPAIGN[state].word;
}

export function StateBadge({ state }: { readonly state: CampaignState }) {
  return <Badge {...CAMPAIGN[state]} />;
}

/** Every coupon is issued. */
export function SoldOutBadge() {
  return <Badge tone="accent" icon="good" word={SOLD_OUT} />;
}
