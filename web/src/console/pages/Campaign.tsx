import { useRoute } from 'preact-iso';
import { type Text, text } from '../../shared/language.ts';
import { Actions } from '../campaigns/Actions.tsx';
import '../campaigns/campaigns.css';
import { History } from '../campaigns/History.tsx';
import { ShoppersPage } from '../campaigns/ShoppersPage.tsx';
import { Terms } from '../campaigns/Terms.tsx';
import { useCampaign } from '../campaigns/use-campaign.ts';
import { Live } from '../live/Live.tsx';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { campaignStateMeaning, StateBadge, StockBadge } from '../parts/StateBadge.tsx';
import { consolePath } from '../paths.ts';

const CAMPAIGN: Text = { ko: '캠페인', en: 'Campaign' };
const ALL: Text = { ko: '캠페인 목록', en: 'All campaigns' };
const COUPONS: Text = { ko: '쿠폰 목록', en: 'Its coupons' };
const DRAFT: Text = {
  ko: '초안입니다. 공개할 때까지 운영자에게만 보이며, 신청을 받지 않습니다.',
  en: 'A draft: until it is published only operators see it, and it takes no claims.',
};

export default function Campaign() {
  const { params } = useRoute();
  const id = params['campaignId'] ?? '';
  const { campaign, failure, isMissing, reload } = useCampaign(id);
  if (campaign === null || isMissing) {
    return (
      <Page title={CAMPAIGN}>
        <ProblemNotice failure={failure}>
          <a href={consolePath('/campaigns')}>{text(ALL)}</a>
        </ProblemNotice>
      </Page>
    );
  }
  const meaning = campaignStateMeaning(campaign.state);
  return (
    <Page title={campaign.name} actions={<Actions campaign={campaign} reload={reload} />}>
      <p class="campaign-facts">
        <StateBadge state={campaign.state} />
        <StockBadge {...campaign} />
        {meaning !== undefined && <span class="muted">{text(meaning)}</span>}
        <code class="muted">{campaign.id}</code>
        {campaign.state !== 'DRAFT' && <a href={consolePath(`/campaigns/${id}/coupons`)}>{text(COUPONS)}</a>}
      </p>
      <div class="campaign-page">
        <ShoppersPage campaign={campaign} />
        {campaign.state === 'DRAFT' ? (
          <>
            <p>{text(DRAFT)}</p>
            <Terms campaign={campaign} />
          </>
        ) : (
          <Live campaignId={id}>
            <Terms campaign={campaign} />
          </Live>
        )}
        <History campaignId={id} version={campaign.version} state={campaign.state} />
      </div>
    </Page>
  );
}
