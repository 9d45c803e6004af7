import { number, type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { zonedInstant } from '../parts/Time.tsx';
import { type Campaign } from './campaign.ts';
import { type CampaignValues, TERMS, valuesOf } from './campaign-form.ts';
import { CHALLENGE_NAMES, TERM_NAMES } from './CampaignFields.tsx';
import './campaigns.css';

const TITLE: Text = { ko: '그 사이에 다른 사람이 변경했습니다', en: 'Somebody changed it meanwhile' };
const WHAT: Text = {
  ko: '저장하지 않았습니다. 연 버전은 {opened}, 지금 저장된 버전은 {stored}입니다.',
  en: 'Nothing was saved. You opened version {opened}; version {stored} is stored now.',
};
const TERM: Text = { ko: '항목', en: 'Term' };
const OPENED: Text = { ko: '열었을 때', en: 'When you opened it' };
const STORED: Text = { ko: '지금 저장된 값', en: 'Stored now' };
const MINE: Text = { ko: '입력한 값', en: 'Yours' };
const KEEP_MINE: Text = { ko: '내 변경을 새 버전에 적용', en: 'Apply my changes to the new version' };
const TAKE_THEIRS: Text = { ko: '내 변경 버리기', en: 'Drop my changes' };
const YES: Text = { ko: '예', en: 'yes' };
const NO: Text = { ko: '아니요', en: 'no' };
const NONE: Text = { ko: '없음', en: 'none' };

interface ConflictProps {
  readonly opened: Campaign;
  readonly stored: Campaign;
  readonly values: CampaignValues;
  /** @param isMine keep what the operator has changed; otherwise take the stored version. */
  readonly settle: (stored: Campaign, isMine: boolean) => void;
}

/** Shows the version that was opened, the one that is stored now, and what was typed, side by side. */
export function Conflict({ opened, stored, values, settle }: ConflictProps) {
  const [before, now] = [valuesOf(opened), valuesOf(stored)];
  const differing = TERMS.filter((term) => before[term] !== now[term] || values[term] !== before[term]);
  return (
    <div class="stack">
      <div role="alert" class="notice warn">
        <Icon name="warn" />
        <div>
          <strong>{text(TITLE)}</strong>
          <p>{text(WHAT, { opened: opened.version, stored: stored.version })}</p>
        </div>
      </div>
      <div class="table-scroll" role="region" aria-label={text(TITLE)} tabIndex={0}>
        <table class="versions">
          <thead>
            <tr>
              {[TERM, OPENED, STORED, MINE].map((name) => (
                <th key={name.en} scope="col">
                  {text(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differing.map((term) => (
              <tr key={term}>
                <th scope="row">{text(TERM_NAMES[term])}</th>
                <td>{shown(before, term)}</td>
                <td class={now[term] === before[term] ? undefined : 'differs'}>{shown(now, term)}</td>
                <td class={values[term] === before[term] ? undefined : 'differs'}>{shown(values, term)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="actions end">
        <button type="button" onClick={() => settle(stored, false)}>
          {text(TAKE_THEIRS)}
        </button>
        <button type="button" class="primary" onClick={() => settle(stored, true)}>
          {text(KEEP_MINE)}
        </button>
      </div>
    </div>
  );
}

function shown(values: CampaignValues, term: (typeof TERMS)[number]): string {
  switch (term) {
    case 'name':
      return values.name;
    case 'total':
    case 'challengeCost':
      return /^\d+$/.test(values[term]) ? number(Number(values[term])) : values[term];
    case 'startsAt':
    case 'endsAt':
      return values[term] === '' ? text(NONE) : zonedInstant(new Date(values[term]));
    case 'requireEntry':
      return text(values.requireEntry ? YES : NO);
    case 'challenge':
      return text(CHALLENGE_NAMES[values.challenge ?? 'none']);
  }
}
