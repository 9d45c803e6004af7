import { type LocalizedText } from './language.js';
import { type ProblemCode } from './problem.js';

interface InputRule extends LocalizedText {
  /** Answered instead of validation-failed where a rule has a code of its own. */
  readonly problem?: ProblemCode;
}

/**
 * What a refused value is told. A schema names one of these rules as its `error`, because the language is known only
 * when the answer is written, long after the schema was made.
 */
export const INPUT_RULES = {
  object: { ko: 'JSON 객체여야 합니다.', en: 'Must be a JSON object.' },
  unknown: { ko: '알 수 없는 항목입니다.', en: 'Is not known here.' },
  forbidden: { ko: '사용할 수 없는 이름입니다.', en: 'Is a name that cannot be used.' },
  invalid: { ko: '값이 없거나 올바르지 않습니다.', en: 'Is missing or invalid.' },
  'user-id': {
    ko: '영문, 숫자, _, -로 된 1~64자 문자열이거나 0 이상 9007199254740991 이하의 정수여야 합니다.',
    en: 'Must be a text of 1 to 64 letters, digits, _ or -, or an integer from 0 to 9007199254740991.',
  },
  'campaign-id': {
    ko: '영문, 숫자, -로 된 1~26자여야 합니다.',
    en: 'Must be 1 to 26 letters, digits or hyphens.',
  },
  'claim-id': { ko: '26자 ULID여야 합니다.', en: 'Must be a ULID of 26 characters.' },
  instant: {
    ko: '시간대가 있는 ISO 8601 시각이어야 합니다. 예: 2026-01-31T09:00:00+09:00',
    en: 'Must be an existing ISO 8601 instant with a time zone, such as 2026-01-31T09:00:00+09:00.',
  },
  window: { ko: '시작 시각보다 뒤여야 합니다.', en: 'Must be later than the start.' },
  'campaign-name': {
    ko: '제어 문자나 방향 제어 문자가 없는 1~200자여야 합니다.',
    en: 'Must be 1 to 200 characters, not only blanks, without control or bidirectional characters.',
  },
  total: { ko: '1 이상 10,000,000 이하의 정수여야 합니다.', en: 'Must be an integer from 1 to 10,000,000.' },
  limit: { ko: '1 이상 1,000 이하의 정수 하나여야 합니다.', en: 'Must be one integer from 1 to 1,000.' },
  cursor: {
    ko: '이전 응답의 nextCursor 값이어야 합니다.',
    en: 'Must be the nextCursor of an earlier answer.',
    problem: 'invalid-cursor',
  },
  'row-id': { ko: '1 이상의 정수여야 합니다.', en: 'Must be an integer from 1.' },
  status: { ko: '알려진 상태 값이어야 합니다.', en: 'Must be a known status.' },
  reason: {
    ko: '제어 문자가 없는 1~500자의 사유여야 합니다.',
    en: 'Must be a reason of 1 to 500 characters without control characters.',
  },
  'no-body': { ko: '본문이 없어야 합니다.', en: 'Must not be there: this call takes no body.' },
  'nothing-to-change': { ko: '변경할 항목이 하나 이상 있어야 합니다.', en: 'Must hold at least one change.' },
} as const satisfies Record<string, InputRule>;

/** The name of a rule, used as a schema's `error`. */
export type InputRuleName = keyof typeof INPUT_RULES;

/** The rule of that name, or undefined for a text that some library wrote. */
export function inputRule(name: string): InputRule | undefined {
  return Object.hasOwn(INPUT_RULES, name) ? INPUT_RULES[name as InputRuleName] : undefined;
}
