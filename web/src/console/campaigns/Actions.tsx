import { useSignal } from '@preact/signals';
import { type VNode } from 'preact';
import { useLocation } from 'preact-iso';
import { attempt, type Failure, type Outcome } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { type Approval, isApproval } from '../approvals/approval.ts';
import { ConfirmDialog } from '../parts/Dialog.tsx';
import { consolePath } from '../paths.ts';
import { may } from '../session.ts';
import { type Campaign, type CampaignState, etagOf } from './campaign.ts';
import { ChangeDialog } from './ChangeDialog.tsx';
import { explainRefusal } from './GateNotTold.tsx';
import { CloseConsequences, PauseConsequences, PublishConsequences, ResumeConsequences } from './Consequences.tsx';

type Action = 'pause' | 'resume' | 'publish' | 'change' | 'close' | 'delete';

/** What can be done in each state. The API says the same, and has the last word. */
const ACTIONS: Record<CampaignState, readonly Action[]> = {
  DRAFT: ['publish', 'change'],
  SCHEDULED: ['pause', 'change'],
  OPEN: ['pause', 'change'],
  PAUSED: ['resume', 'change'],
  ENDED: ['change'],
  CLOSED: [],
};
/** What cannot be undone stands last. */
const FINAL: Partial<Record<CampaignState, Action>> = {
  DRAFT: 'delete',
  SCHEDULED: 'close',
  OPEN: 'close',
  PAUSED: 'close',
  ENDED: 'close',
};
const LOOKS: Partial<Record<Action, string>> = {
  publish: 'primary',
  resume: 'primary',
  close: 'danger',
  delete: 'danger',
};

const VERBS: Record<Action, Text> = {
  pause: { ko: '일시 중지', en: 'Pause' },
  resume: { ko: '재개', en: 'Resume' },
  publish: { ko: '공개', en: 'Publish' },
  change: { ko: '변경', en: 'Change' },
  close: { ko: '영구 종료', en: 'Close' },
  delete: { ko: '초안 삭제', en: 'Delete the draft' },
};
const TITLES: Record<Exclude<Action, 'change'>, Text> = {
  pause: { ko: '신청을 멈출까요?', en: 'Stop claims?' },
  resume: { ko: '신청을 다시 받을까요?', en: 'Allow claims again?' },
  publish: { ko: '이 초안을 공개할까요?', en: 'Publish this draft?' },
  close: { ko: '영구히 종료할까요?', en: 'Close it for good?' },
  delete: { ko: '이 초안을 삭제할까요?', en: 'Delete this draft?' },
};
const DELETE: Text = {
  ko: '초안은 아직 아무에게도 보이지 않았습니다. 삭제하면 되돌릴 수 없습니다.',
  en: 'Nobody but operators has seen it. It cannot be brought back.',
};
const COPY: Text = { ko: '복제', en: 'Duplicate' };

interface ActionsProps {
  readonly campaign: Campaign;
  readonly reload: () => Promise<void>;
}

/** The buttons of a campaign, for those whose role allows it, and the questions behind them. */
export function Actions({ campaign, reload }: ActionsProps) {
  const { route } = useLocation();
  const open = useSignal<Action | null>(null);
  // The terms that the question was asked about. What changes meanwhile must not change the question.
  const about = useSignal(campaign);
  if (!may('operator')) return null;
  const shut = (): void => {
    open.value = null;
  };
  const act = async (action: Exclude<Action, 'change'>): Promise<Failure | Approval | null> => {
    const outcome = await ask(action, about.value);
    if (outcome.ok && isApproval(outcome.data)) return outcome.data;
    if (outcome.ok && action === 'delete') route(consolePath('/campaigns'));
    else await reload();
    return outcome.ok ? null : outcome.failure;
  };
  const { value: action } = open;
  const final = FINAL[campaign.state];
  const button = (one: Action): VNode => (
    <button
      key={one}
      type="button"
      class={LOOKS[one]}
      onClick={() => {
        about.value = campaign;
        open.value = one;
      }}
    >
      {text(VERBS[one])}
    </button>
  );
  return (
    <>
      {ACTIONS[campaign.state].map(button)}
      <a class="button" href={consolePath(`/campaigns/new?from=${encodeURIComponent(campaign.id)}`)}>
        {text(COPY)}
      </a>
      {final !== undefined && button(final)}
      {action === 'change' && <ChangeDialog opened={about.value} current={campaign} onClose={shut} reload={reload} />}
      {action !== null && action !== 'change' && (
        <ConfirmDialog
          title={TITLES[action]}
          verb={VERBS[action]}
          onClose={shut}
          act={() => act(action)}
          explain={explainRefusal}
          {...(action === 'close' || action === 'delete' ? { typeName: about.value.name } : {})}
        >
          <Consequences action={action} campaign={about.value} />
        </ConfirmDialog>
      )}
    </>
  );
}

function Consequences({ action, campaign }: { action: Exclude<Action, 'change'>; campaign: Campaign }) {
  switch (action) {
    case 'close':
      return <CloseConsequences campaign={campaign} />;
    case 'pause':
      return <PauseConsequences campaign={campaign} />;
    case 'publish':
      return <PublishConsequences of={campaign} />;
    case 'resume':
      return <ResumeConsequences campaign={campaign} />;
    case 'delete':
      return <p>{text(DELETE)}</p>;
  }
}

function ask(action: Exclude<Action, 'change'>, campaign: Campaign): Promise<Outcome<unknown>> {
  const path = { campaignId: campaign.id };
  const ifMatch = { params: { path, header: { 'If-Match': etagOf(campaign) } } };
  switch (action) {
    case 'pause':
      return attempt(api.POST('/api/admin/campaigns/{campaignId}/pause', { params: { path } }));
    case 'resume':
      return attempt(api.POST('/api/admin/campaigns/{campaignId}/resume', { params: { path } }));
    case 'close':
      return attempt(api.POST('/api/admin/campaigns/{campaignId}/close', { params: { path } }));
    case 'publish':
      return attempt(api.POST('/api/admin/campaigns/{campaignId}/publish', ifMatch));
    case 'delete':
      return attempt(api.DELETE('/api/admin/campaigns/{campaignId}', ifMatch));
  }
}
