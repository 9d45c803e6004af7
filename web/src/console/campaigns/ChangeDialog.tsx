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
import { type Campaign, etagOf, findCampaign } from './campaign.ts';
import { type ChangeConsequence, consequencesOf, isTooLow } from './change-consequences.ts';
import { changeOf, POINTERS, TERMS, valuesOf } from './campaign-form.ts';
import { CampaignFields } from './CampaignFields.tsx';
import { Conflict } from './Conflict.tsx';
import { explainRefusal } from './GateNotTold.tsx';

const TITLE: Text = { ko: '조건 변경', en: 'Change the terms' };
const SAVE: Text = { ko: '변경 저장', en: 'Save the change' };
const CANCEL: Text = { ko: '취소', en: 'Cancel' };
const NOTHING: Text = { ko: '아직 바뀐 값이 없습니다.', en: 'Nothing is changed yet.' };

interface ChangeProps {
  /** The campaign as the operator saw it when the form was opened. */
  readonly opened: Campaign;
  /** The campaign as it was read last: claims go on while the form stands. */
  readonly current: Campaign;
  readonly onClose: () => void;
  readonly reload: () => Promise<void>;
}

/** Changes the terms of a campaign. What somebody else has stored meanwhile is shown, and never overwritten unseen. */
export function ChangeDialog({ opened, current, onClose, reload }: ChangeProps) {
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
  const now = { ...base.value, remaining: current.remaining, total: current.total, state: current.state };
  const isRefused = isTooLow(now, change.total);

  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy.value || isSame || isRefused) return;
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
        <ChangeConsequences of={consequencesOf(now, change, Date.now())} />
        {explainRefusal(failure.value) ?? (
          // A total that is known to be too low is said once, by the numbers of now.
          <ProblemNotice failure={isRefused ? null : failure.value} beside={POINTERS} />
        )}
        <div class="actions end">
          {isSame && <span class="muted">{text(NOTHING)}</span>}
          <button type="button" onClick={onClose}>
            {text(CANCEL)}
          </button>
          <button type="submit" class="primary" disabled={isBusy.value || isSame || isRefused}>
            {text(SAVE)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function ChangeConsequences({ of }: { readonly of: readonly ChangeConsequence[] }) {
  return (
    <div role="status" class="change-consequences">
      {of.map(({ words, parts = {}, isGrave }) => (
        <p key={words.en} class={isGrave ? 'mistake' : 'muted'}>
          {text(words, Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, number(value)])))}
        </p>
      ))}
    </div>
  );
}
