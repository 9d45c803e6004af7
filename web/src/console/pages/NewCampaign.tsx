import { useSignal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { attempt, type Failure, type Outcome } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { randomKey } from '../../shared/random-key.ts';
import { type Text, text } from '../../shared/language.ts';
import { type Campaign, findCampaign } from '../campaigns/campaign.ts';
import { type CampaignValues, copyOf, NEW_CAMPAIGN, newCampaignOf, POINTERS } from '../campaigns/campaign-form.ts';
import { CampaignFields } from '../campaigns/CampaignFields.tsx';
import '../campaigns/campaigns.css';
import { PublishConsequences } from '../campaigns/Consequences.tsx';
import { ConfirmDialog } from '../parts/Dialog.tsx';
import { focusFirstMistake } from '../parts/Field.tsx';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { consolePath } from '../paths.ts';

const TITLE: Text = { ko: '새 캠페인', en: 'New campaign' };
const COPY: Text = { ko: '(사본)', en: '(copy)' };
const LOADING: Text = { ko: '불러오는 중…', en: 'Loading…' };
const PUBLISH: Text = { ko: '바로 공개', en: 'Create and publish' };
const SURE: Text = { ko: '이 캠페인을 만들어 바로 공개할까요?', en: 'Create this campaign and publish it?' };
const DRAFT: Text = { ko: '초안으로 저장', en: 'Save as a draft' };
const CANCEL: Text = { ko: '취소', en: 'Cancel' };

export default function NewCampaign() {
  const { from } = useLocation().query;
  return <Page title={TITLE}>{from === undefined ? <CampaignForm /> : <CopyForm key={from} from={from} />}</Page>;
}

/** The form stands when the campaign to copy was read: an answer that came later would overwrite what was typed. */
function CopyForm({ from }: { readonly from: string }) {
  const read = useSignal<Outcome<Campaign> | null>(null);
  useEffect(() => {
    void findCampaign(from).then((outcome) => (read.value = outcome));
  }, [from]);
  const outcome = read.value;
  if (outcome === null) return <div role="status">{text(LOADING)}</div>;
  return outcome.ok ? (
    <CampaignForm initial={copyOf(outcome.data, text(COPY))} />
  ) : (
    <CampaignForm notRead={outcome.failure} />
  );
}

interface CampaignFormProps {
  readonly initial?: CampaignValues;
  /** Why the campaign to copy could not be read. */
  readonly notRead?: Failure;
}

function CampaignForm({ initial = NEW_CAMPAIGN, notRead }: CampaignFormProps) {
  const { route } = useLocation();
  const values = useSignal<CampaignValues>(initial);
  const failure = useSignal<Failure | null>(notRead ?? null);
  const isBusy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const asked = useRef({ body: '', key: '' });
  const isAsking = useSignal(false);
  const create = async (isDraft: boolean): Promise<Failure | null> => {
    if (isBusy.value) return null;
    const body = { ...newCampaignOf(values.value), ...(isDraft ? { state: 'DRAFT' as const } : {}) };
    const written = JSON.stringify(body);
    // The same campaign again, after an answer that was lost, makes no second one.
    if (asked.current.body !== written) asked.current = { body: written, key: randomKey() };
    isBusy.value = true;
    const params = { header: { 'Idempotency-Key': asked.current.key } };
    const outcome = await attempt(api.POST('/api/admin/campaigns', { params, body }));
    isBusy.value = false;
    if (outcome.ok) route(consolePath(`/campaigns/${outcome.data.id}`));
    return outcome.ok ? null : outcome.failure;
  };
  const show = (why: Failure | null): void => {
    failure.value = why;
    if (why !== null) focusFirstMistake(form.current);
  };
  const publish = async (): Promise<Failure | null> => {
    const why = await create(false);
    // The question gives way to the fields where the mistakes stand.
    const isOfFields = why?.kind === 'refused' && (why.problem.errors?.length ?? 0) > 0;
    show(isOfFields ? why : null);
    return isOfFields ? null : why;
  };
  return (
    <>
      <form
        ref={form}
        class="stack panel form-page"
        onSubmit={(event) => {
          event.preventDefault();
          void create(true).then(show);
        }}
      >
        <CampaignFields values={values} failure={failure.value} isNew />
        <ProblemNotice failure={failure.value} beside={POINTERS} />
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy.value}>
            {text(DRAFT)}
          </button>
          <button
            type="button"
            disabled={isBusy.value}
            onClick={() => {
              // What the browser itself finds wrong, such as half an instant, is said at its field first.
              if (form.current?.reportValidity() === true) isAsking.value = true;
            }}
          >
            {text(PUBLISH)}
          </button>
          <a class="button plain" href={consolePath('/campaigns')}>
            {text(CANCEL)}
          </a>
        </div>
      </form>
      {isAsking.value && (
        <ConfirmDialog title={SURE} verb={PUBLISH} onClose={() => (isAsking.value = false)} act={publish}>
          <PublishConsequences of={newCampaignOf(values.value)} />
        </ConfirmDialog>
      )}
    </>
  );
}
