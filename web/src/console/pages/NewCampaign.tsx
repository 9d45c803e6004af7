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
import { focusFirstMistake } from '../parts/Field.tsx';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { consolePath } from '../paths.ts';

const TITLE: Text = { ko: '새 캠페인', en: 'New campaign' };
const COPY: Text = { ko: '(사본)', en: '(copy)' };
const LOADING: Text = { ko: '불러오는 중…', en: 'Loading…' };
const CREATE: Text = { ko: '만들고 공개', en: 'Create and publish' };
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
  const create = async (isDraft: boolean): Promise<void> => {
    if (isBusy.value) return;
    const body = { ...newCampaignOf(values.value), ...(isDraft ? { state: 'DRAFT' as const } : {}) };
    const written = JSON.stringify(body);
    // The same campaign again, after an answer that was lost, makes no second one.
    if (asked.current.body !== written) asked.current = { body: written, key: randomKey() };
    isBusy.value = true;
    const params = { header: { 'Idempotency-Key': asked.current.key } };
    const outcome = await attempt(api.POST('/api/admin/campaigns', { params, body }));
    isBusy.value = false;
    failure.value = outcome.ok ? null : outcome.failure;
    if (outcome.ok) route(consolePath(`/campaigns/${outcome.data.id}`));
    else focusFirstMistake(form.current);
  };
  return (
    <form
      ref={form}
      class="stack panel form-page"
      onSubmit={(event) => {
        event.preventDefault();
        const { submitter } = event as SubmitEvent;
        void create(submitter?.getAttribute('value') === 'draft');
      }}
    >
      <CampaignFields values={values} failure={failure.value} isNew />
      <ProblemNotice failure={failure.value} beside={POINTERS} />
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy.value}>
          {text(CREATE)}
        </button>
        <button type="submit" value="draft" disabled={isBusy.value}>
          {text(DRAFT)}
        </button>
        <a class="button plain" href={consolePath('/campaigns')}>
          {text(CANCEL)}
        </a>
      </div>
    </form>
  );
}
