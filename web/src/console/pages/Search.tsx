import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { attempt, type Failure, mistakeAt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { Field } from '../parts/Field.tsx';
import { FilterForm, useFilters } from '../parts/FilterForm.tsx';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { CampaignStory } from '../search/CampaignStory.tsx';
import { Warning } from '../search/Warning.tsx';
import { operator } from '../session.ts';

type Result = Schemas['SearchResult'];

const TITLE: Text = { ko: '검색', en: 'Search' };
const WHAT: Text = {
  ko: '고객 한 명에게 무슨 일이 있었는지 찾습니다. 문장을 그대로 고객에게 읽어 줄 수 있습니다.',
  en: 'Finds what happened to one customer, in sentences that can be read out.',
};
const QUERY: Text = { ko: '사용자 ID, 신청 ID 또는 쿠폰 코드', en: 'User, claim or coupon code' };
const WHOLE: Text = {
  ko: '일부가 아니라 전체를 입력하세요. 쿠폰 코드는 소문자, 하이픈, 공백이 있어도 찾습니다.',
  en: 'The whole id, not a part. A code may have lower case, hyphens and spaces.',
};
const LOOKING: Text = { ko: '찾는 중…', en: 'Looking…' };

const NOBODY: Text = { ko: '"{q}"에 대해 알려진 것이 없습니다.', en: 'Nothing is known of “{q}”.' };
const NOBODY_MEANS: Text = {
  ko: '신청도, 쿠폰도, 보관 중인 거절 기록도 없습니다. 거절 기록은 종류별로 첫 번째만, 기본 30일 동안 보관되며, 몰릴 때는 일부가 빠질 수 있습니다. 철자가 전체와 일치하는지 확인해 주세요.',
  en: 'There is no claim, no coupon, and no refusal on record. Of refusals the first of each kind is kept, for 30 days unless configured otherwise, and in a rush some may be missing. Check that the text is complete.',
};
const UNCHECKED: Text = {
  ko: '이 서비스는 신청한 사람이 본인인지 확인하지 않습니다(IDENTITY=open). 다른 사람이 이 이름으로 신청했을 수 있습니다.',
  en: 'This service does not check who calls (IDENTITY=open): somebody else may have claimed with this name.',
};
const USER: Text = { ko: '사용자 {id}', en: 'User {id}' };
const FOUND_BY: Record<Result['users'][number]['foundBy'], Text> = {
  user: { ko: '사용자 ID로 찾음', en: 'found by the user’s id' },
  claim: { ko: '신청 ID로 찾음', en: 'found by the claim' },
  code: { ko: '쿠폰 코드로 찾음', en: 'found by the code' },
};

/** Support's question: "I clicked first and got nothing". */
export default function Search() {
  const round = useSignal(0);
  const { filters, apply } = useFilters(['q'], () => (round.value += 1));
  const { q } = filters;
  const found = useSignal<{ readonly q: string; readonly result: Result } | null>(null);
  const failure = useSignal<Failure | null>(null);
  const isLooking = useSignal(false);
  useLayoutEffect(() => {
    found.value = null;
    failure.value = null;
    isLooking.value = q !== undefined;
    if (q === undefined) return undefined;
    let isCurrent = true;
    void attempt(api.GET('/api/admin/search', { params: { query: { q } } })).then((outcome) => {
      if (!isCurrent) return;
      isLooking.value = false;
      if (outcome.ok) found.value = { q, result: outcome.data };
      else failure.value = outcome.failure;
    });
    return () => void (isCurrent = false);
  }, [q, round.value]);
  return (
    <Page title={TITLE}>
      <p class="muted words">{text(WHAT)}</p>
      <FilterForm filters={filters} onApply={apply} verb={TITLE}>
        {(input) => (
          <Field label={QUERY} hint={WHOLE} mistake={mistakeAt(failure.value, '/q')}>
            {(attributes) => <input {...attributes} {...input('q')} spellcheck={false} autocapitalize="off" />}
          </Field>
        )}
      </FilterForm>
      <ProblemNotice failure={failure.value} beside={['/q']} />
      <div role="status">{isLooking.value && text(LOOKING)}</div>
      {found.value !== null && <Found {...found.value} />}
    </Page>
  );
}

function Found({ q, result }: { readonly q: string; readonly result: Result }) {
  const { users, gateAnswered, complete } = result;
  return (
    <div class="stack">
      {!gateAnswered && <Warning of="gate" />}
      {!complete && <Warning of="more" />}
      {users.length === 0 && (
        <div class="panel">
          <h2>{text(NOBODY, { q })}</h2>
          <p class="words">{text(NOBODY_MEANS)}</p>
        </div>
      )}
      {users.length > 0 && operator.value?.service.identity === 'open' && <p class="words">{text(UNCHECKED)}</p>}
      {users.map(({ userId, foundBy, campaigns }) => (
        <section key={userId} class="stack" aria-label={text(USER, { id: userId })}>
          <h2 class="found-user">
            {text(USER, { id: userId })} <small class="muted">{text(FOUND_BY[foundBy])}</small>
          </h2>
          {campaigns.map((campaign) => (
            <CampaignStory key={campaign.campaignId} found={campaign} gateAnswered={gateAnswered} />
          ))}
        </section>
      ))}
    </div>
  );
}
