import { type Signal } from '@preact/signals';
import { type Failure, mistakeAt } from '../../api/attempt.ts';
import { type Text, text } from '../../shared/language.ts';
import { Field } from '../parts/Field.tsx';
import { zonedInstant } from '../parts/Time.tsx';
import { CHALLENGES } from './campaign.ts';
import { type CampaignValues, type TERMS } from './campaign-form.ts';
import { offsetOf, zoneName } from './local-instant.ts';

export const TERM_NAMES: Record<(typeof TERMS)[number], Text> = {
  name: { ko: '이름', en: 'Name' },
  total: { ko: '총 수량', en: 'Total' },
  startsAt: { ko: '시작', en: 'Start' },
  endsAt: { ko: '종료', en: 'End' },
  requireEntry: { ko: '입장 토큰 요구', en: 'Ask for an entry token' },
  challenge: { ko: '확인 과제', en: 'Challenge' },
  challengeCost: { ko: '과제 비용', en: 'Cost of the challenge' },
};

const HINTS = {
  total: { ko: '쿠폰 수, 1~10,000,000', en: 'Coupons, 1 to 10,000,000' },
  now: { ko: '비워 두면 지금 시작합니다.', en: 'Empty: it starts now.' },
  never: { ko: '비워 두면 끝나지 않습니다.', en: 'Empty: it never ends.' },
  cost: {
    ko: 'proof-of-work의 시도 한 번당 반복 수. 평균 256번 시도합니다.',
    en: 'Iterations of one try of a proof of work, which takes 256 tries on average.',
  },
} satisfies Record<string, Text>;

export const CHALLENGE_NAMES: Record<(typeof CHALLENGES)[number], Text> = {
  none: { ko: '없음', en: 'none' },
  'proof-of-work': { ko: '작업 증명', en: 'proof of work' },
  turnstile: { ko: 'Turnstile', en: 'Turnstile' },
};

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
          <Field
            key={term}
            label={TERM_NAMES[term]}
            hint={whenOf(value[term], term === 'endsAt' ? HINTS.never : isNew ? HINTS.now : undefined)}
            mistake={mistakeAt(failure, `/${term}`)}
          >
            {(attributes) => (
              <input
                {...attributes}
                name={term}
                type="datetime-local"
                step="1"
                required={term === 'startsAt' && !isNew}
                value={value[term]}
                onInput={({ currentTarget }) => set({ [term]: currentTarget.value })}
              />
            )}
          </Field>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          name="requireEntry"
          checked={value.requireEntry}
          onChange={({ currentTarget }) => set({ requireEntry: currentTarget.checked })}
        />
        {text(TERM_NAMES.requireEntry)}
      </label>
      <div class="fields-row">
        <Field label={TERM_NAMES.challenge} mistake={mistakeAt(failure, '/challenge')}>
          {(attributes) => (
            <select
              {...attributes}
              name="challenge"
              value={value.challenge}
              onChange={({ currentTarget }) => set({ challenge: currentTarget.value as CampaignValues['challenge'] })}
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
          <Field label={TERM_NAMES.challengeCost} hint={HINTS.cost} mistake={mistakeAt(failure, '/challengeCost')}>
            {(attributes) => (
              <input
                {...attributes}
                name="challengeCost"
                inputMode="numeric"
                autocomplete="off"
                class="number"
                value={value.challengeCost}
                onInput={({ currentTarget }) => set({ challengeCost: currentTarget.value })}
              />
            )}
          </Field>
        )}
      </div>
    </>
  );
}

/** The instant that was typed, with the offset of the zone on that day; or what an empty input means. */
function whenOf(typed: string, empty: Text | undefined): string {
  const date = typed === '' ? new Date() : new Date(typed);
  if (Number.isNaN(date.getTime())) return zoneName();
  const zone = `${zoneName()}, ${offsetOf(date)}`;
  if (typed !== '') return `${zonedInstant(date)} (${zone})`;
  return `${empty === undefined ? '' : `${text(empty)} `}(${zone})`;
}
