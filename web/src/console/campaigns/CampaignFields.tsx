import { type Signal } from '@preact/signals';
import { type Failure, mistakeAt } from '../../api/attempt.ts';
import { type Text, text } from '../../shared/language.ts';
import { precise } from '../live/numbers.ts';
import { Field } from '../parts/Field.tsx';
import { CHALLENGES } from './campaign.ts';
import { type CampaignValues, type TERMS } from './campaign-form.ts';
import { InstantField } from './InstantField.tsx';

export const TERM_NAMES: Record<(typeof TERMS)[number], Text> = {
  name: { ko: '이름', en: 'Name' },
  total: { ko: '총 수량', en: 'Total' },
  startsAt: { ko: '시작', en: 'Start' },
  endsAt: { ko: '종료', en: 'End' },
  requireEntry: { ko: '자동 신청(봇) 방지', en: 'Keep bots out' },
  challenge: { ko: '신청 전 확인 방법', en: 'Check before a claim' },
  challengeCost: { ko: '계산량', en: 'Amount of computing' },
};

const HINTS = {
  total: { ko: '쿠폰 수, 1~10,000,000', en: 'Coupons, 1 to 10,000,000' },
  now: { ko: '비워 두면 지금 시작합니다.', en: 'Empty: it starts now.' },
  never: { ko: '비워 두면 끝나지 않습니다.', en: 'Empty: it never ends.' },
  entry: {
    ko: '확인을 통과한 고객만 신청할 수 있습니다. (입장 토큰)',
    en: 'Only customers who have passed a check can claim. (entry token)',
  },
  none: {
    ko: '고객은 아무것도 느끼지 못합니다. 이 페이지를 거치지 않는 단순한 자동 신청만 막습니다.',
    en: 'Customers notice nothing. It stops only simple scripts that skip the page.',
  },
  'proof-of-work': {
    ko: '고객은 할 일이 없습니다. 브라우저가 시작 전에 계산을 마칩니다.',
    en: 'Customers do nothing: their browser computes before the start.',
  },
  turnstile: {
    ko: 'Cloudflare가 사람인지 확인하며, 고객이 눌러야 할 수 있습니다. 쇼핑몰 자체 페이지와 TURNSTILE_SECRET 설정이 필요합니다.',
    en: 'Cloudflare checks for a person, who may have to click. It needs a page of the shop itself, and TURNSTILE_SECRET.',
  },
  cost: {
    ko: '휴대전화에서 평균 약 {s}초. 값이 클수록 오래 걸립니다.',
    en: 'About {s} s on a telephone, on average. More takes longer.',
  },
} satisfies Record<string, Text>;

export const CHALLENGE_NAMES: Record<(typeof CHALLENGES)[number], Text> = {
  none: { ko: '확인 없음', en: 'no check' },
  'proof-of-work': { ko: '브라우저 계산', en: 'computing in the browser' },
  turnstile: { ko: 'Cloudflare Turnstile', en: 'Cloudflare Turnstile' },
};

/** What a telephone computes of a proof of work on average, as operations.md says: 2,000 in half a second. */
const ITERATIONS_PER_SECOND = 4_000;

interface FieldsProps {
  readonly values: Signal<CampaignValues>;
  /** What the API said of the values. */
  readonly failure: Failure | null;
  /** A campaign that exists has a start. */
  readonly isNew: boolean;
}

/** The inputs of a campaign, with what the API says of each beside it. */
export function CampaignFields({ values, failure, isNew }: FieldsProps) {
  const { value } = values;
  const set = (change: Partial<CampaignValues>): void => {
    values.value = { ...values.value, ...change };
  };
  return (
    <>
      <Field label={TERM_NAMES.name} mistake={mistakeAt(failure, '/name')}>
        {(attributes) => (
          <input
            {...attributes}
            name="name"
            autocomplete="off"
            value={value.name}
            onInput={({ currentTarget }) => set({ name: currentTarget.value })}
          />
        )}
      </Field>
      <Field label={TERM_NAMES.total} hint={HINTS.total} mistake={mistakeAt(failure, '/total')}>
        {(attributes) => (
          <input
            {...attributes}
            name="total"
            inputMode="numeric"
            autocomplete="off"
            class="number"
            value={value.total}
            onInput={({ currentTarget }) => set({ total: currentTarget.value })}
          />
        )}
      </Field>
      <div class="fields-row">
        {(['startsAt', 'endsAt'] as const).map((term) => (
          <InstantField
            key={term}
            name={term}
            label={TERM_NAMES[term]}
            value={value[term]}
            onInput={(typed) => set({ [term]: typed })}
            isRequired={term === 'startsAt' && !isNew}
            empty={term === 'endsAt' ? HINTS.never : isNew ? HINTS.now : undefined}
            mistake={mistakeAt(failure, `/${term}`)}
          />
        ))}
      </div>
      <div class="stack">
        <label class="check">
          <input
            type="checkbox"
            name="requireEntry"
            checked={value.requireEntry}
            onChange={({ currentTarget }) => set({ requireEntry: currentTarget.checked })}
          />
          <span>
            {text(TERM_NAMES.requireEntry)} <small class="muted">{text(HINTS.entry)}</small>
          </span>
        </label>
        {value.requireEntry && <CheckFields values={values} failure={failure} />}
      </div>
    </>
  );
}

/** How a customer is checked. */
function CheckFields({ values, failure }: Pick<FieldsProps, 'values' | 'failure'>) {
  const { value } = values;
  return (
    <div class="fields-row">
      <Field
        label={TERM_NAMES.challenge}
        hint={HINTS[value.challenge ?? 'none']}
        mistake={mistakeAt(failure, '/challenge')}
      >
        {(attributes) => (
          <select
            {...attributes}
            name="challenge"
            value={value.challenge}
            onChange={({ currentTarget }) =>
              (values.value = { ...values.value, challenge: currentTarget.value as CampaignValues['challenge'] })
            }
          >
            {CHALLENGES.map((challenge) => (
              <option key={challenge} value={challenge}>
                {text(CHALLENGE_NAMES[challenge])}
              </option>
            ))}
          </select>
        )}
      </Field>
      {value.challenge === 'proof-of-work' && (
        <Field
          label={TERM_NAMES.challengeCost}
          hint={text(HINTS.cost, { s: secondsOf(value.challengeCost) })}
          mistake={mistakeAt(failure, '/challengeCost')}
        >
          {(attributes) => (
            <input
              {...attributes}
              name="challengeCost"
              inputMode="numeric"
              autocomplete="off"
              class="number"
              value={value.challengeCost}
              onInput={({ currentTarget }) => (values.value = { ...values.value, challengeCost: currentTarget.value })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

/** How long the check takes on a telephone, s; – of what is no number. */
function secondsOf(cost: string): string {
  const iterations = Number(cost.replace(/,/g, ''));
  return iterations > 0 ? precise(iterations / ITERATIONS_PER_SECOND) : '–';
}
