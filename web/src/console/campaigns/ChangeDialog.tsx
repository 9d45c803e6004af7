import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { attempt, codeOf, type Failure } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { type Approval, isApproval } from '../approvals/approval.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { focusFirstMistake } from '../parts/Field.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { WaitsInDialog } from '../parts/Waits.tsx';
import { type Campaign, etagOf, findCampaign, takenOf } from './campaign.ts';
import { changeOf, POINTERS, TERMS, valuesOf } from './campaign-form.ts';
import { CampaignFields } from './CampaignFields.tsx';
import { Conflict } from './Conflict.tsx';
import { explainRefusal } from './GateNotTold.tsx';

const TITLE: Text = { ko: '조건 변경', en: 'Change the terms' };
const SAVE: Text = { ko: '변경 저장', en: 'Save the change' };
const CANCEL: Text = { ko: '취소', en: 'Cancel' };
const NOTHING: Text = { ko: '아직 바뀐 값이 없습니다.', en: 'Nothing is changed yet.' };
const TOTAL: Text = {
  ko: '신청 {taken}건은 그대로이고, 남은 수량은 {before}개에서 {after}개가 됩니다.',
  en: '{taken} claims stay; what is left goes from {before} to {after}.',
};
const TOO_LOW: Text = {
  ko: '이미 {taken}건이 신청되어 이보다 낮출 수 없습니다.',
  en: '{taken} claims are admitted already, so the total cannot go below that.',
};

interface ChangeProps {
  /** The campaign as the operator saw it when the form was opened. */
  readonly opened: Campaign;
  readonly onClose: () => void;
  readonly reload: () => Promise<void>;
}

/** Changes the terms of a campaign. What somebody else has stored meanwhile is shown, and never overwritten unseen. */
export function ChangeDialog({ opened, onClose, reload }: ChangeProps) {
  /** The version that the change applies to, and from which it is told what was changed. */
  const base = useSignal(opened);
  const values = useSignal(valuesOf(opened));
  const failure = useSignal<Failure | null>(null);
  const stored = useSignal<Campaign | null>(null);
  const approval = useSignal<Approval | null>(null);
  const isBusy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const change = changeOf(valuesOf(base.value), values.value);
  const isSame = Object.keys(change).length === 0;

  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy.value || isSame) return;
    isBusy.value = true;
    const params = { path: { campaignId: opened.id }, header: { 'If-Match': etagOf(base.value) } };
    const outcome = await attempt(api.PATCH('/api/admin/campaigns/{campaignId}', { params, body: change }));
    failure.value = outcome.ok ? null : outcome.failure;
    if (outcome.ok && isApproval(outcome.data)) {
      approval.value = outcome.data;
    } else if (outcome.ok) {
      await reload();
      onClose();
    } else if (codeOf(outcome.failure) === 'precondition-failed') {
      const found = await findCampaign(opened.id);
      if (found.ok) stored.value = found.data;
    } else if (codeOf(outcome.failure) === 'gate-not-told') {
      await takeStoredVersion();
    } else {
      focusFirstMistake(form.current);
    }
    isBusy.value = false;
  };
  /** The change may be stored although the gate has not heard of it: the next try has to name the new version. */
  const takeStoredVersion = async (): Promise<void> => {
    const found = await findCampaign(opened.id);
    if (found.ok) base.value = { ...base.value, version: found.data.version };
    await reload();
  };
  const settle = (theirs: Campaign, isMine: boolean): void => {
    const mine = values.value;
    const before = valuesOf(base.value);
    const now = valuesOf(theirs);
    // What the operator has not touched is taken from the stored version.
    const merged = Object.fromEntries(
      TERMS.map((term) => [term, isMine && mine[term] !== before[term] ? mine[term] : now[term]]),
    );
    values.value = { ...now, ...merged };
    base.value = theirs;
    stored.value = null;
    failure.value = null;
    void reload();
  };

  if (approval.value !== null) {
    return (
      <Dialog title={TITLE} onClose={onClose}>
        <WaitsInDialog approval={approval.value} onClose={onClose} />
      </Dialog>
    );
  }
  if (stored.value !== null) {
    return (
      <Dialog title={TITLE} onClose={onClose}>
        <Conflict opened={base.value} stored={stored.value} values={values.value} settle={settle} />
      </Dialog>
    );
  }
  return (
    <Dialog title={TITLE} onClose={onClose}>
      <form ref={form} class="stack" onSubmit={(event) => void save(event)}>
        <CampaignFields values={values} failure={failure.value} isNew={false} />
        <TotalConsequence campaign={base.value} total={change.total} />
        {explainRefusal(failure.value) ?? <ProblemNotice failure={failure.value} beside={POINTERS} />}
        <div class="actions end">
          {isSame && <span class="muted">{text(NOTHING)}</span>}
          <button type="button" onClick={onClose}>
            {text(CANCEL)}
          </button>
          <button type="submit" class="primary" disabled={isBusy.value || isSame}>
            {text(SAVE)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function TotalConsequence({ campaign, total }: { readonly campaign: Campaign; readonly total: number | undefined }) {
  const taken = takenOf(campaign);
  if (typeof total !== 'number' || taken === null) return null;
  const parts = { taken: number(taken), before: number(campaign.total - taken), after: number(total - taken) };
  return <p class={total < taken ? 'mistake' : 'muted'}>{text(total < taken ? TOO_LOW : TOTAL, parts)}</p>;
}
