import { type LocalizedText } from '../problem/accept-language.js';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { type InputError, Problem } from '../problem/problem.js';

interface InputRule extends LocalizedText {
  /** The answer's code, if it is not validation-failed. */
  readonly problem?: ProblemCode;
}

/**
 * What a caller reads about a refused value. A schema names one of these rules as its `error`. It cannot hold the text
 * itself, because the language is known only when the answer is written.
 */
export const INPUT_RULES = {
  object: { ko: 'JSON 객체여야 합니다.', en: 'Must be a JSON object.' },
  unknown: { ko: '알 수 없는 항목입니다.', en: 'Is not known here.' },
  forbidden: { ko: '사용할 수 없는 이름입니다.', en: 'Is a name that cannot be used.' },
  host: {
    ko: '올바른 호스트 이름 하나여야 합니다. 예: example.com:3000',
    en: 'Must be one valid host, such as example.com:3000.',
  },
  'transfer-encoding': { ko: 'chunked만 지원합니다.', en: 'Must be chunked, once, and in HTTP/1.1.' },
  'content-length': { ko: '0으로 시작하지 않는 숫자여야 합니다.', en: 'Must be a number that does not begin with 0.' },
  target: {
    ko: "'/'로 시작해야 하며, '.'이나 '..' 구간, '#', 불필요하거나 잘못된 퍼센트 인코딩이 없어야 합니다. | (%7C)처럼 경로에 쓸 수 없는 문자는 퍼센트 인코딩해야 합니다.",
    en: 'Must begin with / and hold no segment . or .., no # and no needless or broken percent-encoding. A character that a path cannot hold, such as | (%7C), needs its escape.',
  },
  'given-twice': { ko: '두 번 지정되었습니다.', en: 'Is given twice.' },
  integer: {
    ko: '-9007199254740991 이상 9007199254740991 이하의 정수로, 소수점이나 지수 없이 써야 합니다.',
    en: 'Must be an integer from -9007199254740991 to 9007199254740991, written without fraction or exponent.',
  },
  depth: { ko: '너무 깊이 중첩되었습니다.', en: 'Is nested too deeply.' },
  invalid: { ko: '값이 없거나 올바르지 않습니다.', en: 'Is missing or invalid.' },
  'user-id': {
    ko: '영문, 숫자, . _ @ | : + = ~ -로 된 1~128자 문자열(. 하나나 둘만 있는 것은 제외)이거나 0 이상 9007199254740991 이하의 정수여야 합니다.',
    en: 'Must be a text of 1 to 128 letters, digits and . _ @ | : + = ~ -, but not . or .., or an integer from 0 to 9007199254740991.',
  },
  'search-text': {
    ko: '사용자 ID, 신청 ID 또는 쿠폰 코드 하나여야 합니다. 영문, 숫자, 기호로 된 1~128자입니다.',
    en: 'Must be the id of a user, the id of a claim or a code: 1 to 128 letters, digits and signs of ASCII.',
  },
  'user-me': {
    ko: '이 자격 증명은 사용자의 것이 아니므로, me 대신 사용자 ID를 써야 합니다.',
    en: 'Must name the user: the caller is none, so me stands for nobody.',
  },
  'campaign-id': {
    ko: '영문, 숫자, -로 된 1~26자여야 합니다.',
    en: 'Must be 1 to 26 letters, digits or hyphens.',
  },
  'key-id': { ko: 'API 키의 ID(ULID 26자)여야 합니다.', en: 'Must be the id of an API key: a ULID of 26 characters.' },
  'approval-id': {
    ko: '승인 요청의 ID(ULID 26자)여야 합니다.',
    en: 'Must be the id of a request for approval: a ULID of 26 characters.',
  },
  'key-name': {
    ko: '눈에 보이는 1~100자의 이름이어야 합니다.',
    en: 'Must be a name of 1 to 100 visible characters.',
  },
  'key-name-taken': {
    ko: '감사 기록에서 다른 행위자를 가리키는 이름(bootstrap, service, command, unknown, jwt:…, npm run …)은 쓸 수 없습니다.',
    en: 'Must not be what the audit calls another actor: bootstrap, service, command, unknown, jwt:… or npm run ….',
  },
  'key-role': {
    ko: 'viewer, operator, admin, issuer, redeemer 중 하나여야 합니다.',
    en: 'Must be viewer, operator, admin, issuer or redeemer.',
  },
  'key-expiry': { ko: '미래의 시각이어야 합니다.', en: 'Must lie in the future.' },
  'audit-actor': {
    ko: 'API 키의 ID, bootstrap, service, command, unknown 또는 jwt:로 시작하는 토큰 사용자여야 합니다.',
    en: 'Must be the id of an API key, bootstrap, service, command, unknown, or jwt: and the user of a token.',
  },
  'audit-action': {
    ko: '영문 소문자와 ., -로 된 동작 이름이어야 합니다.',
    en: 'Must be the name of an action, such as campaign.close.',
  },
  language: { ko: 'ko 또는 en이어야 합니다.', en: 'Must be ko or en.' },
  instant: {
    ko: '날짜, 시각, 시간대가 모두 있는 ISO 8601 문자열이어야 합니다. 예: 2026-01-31T09:00+09:00',
    en: 'Must be an ISO 8601 text with day, time and time zone, such as 2026-01-31T09:00+09:00.',
  },
  'instant-zone': {
    ko: '시간대가 없습니다. Z 또는 +09:00과 같은 시간대를 붙여야 합니다.',
    en: 'Has no time zone: add Z, or an offset such as +09:00.',
  },
  'instant-day': { ko: '달력에 없는 날짜입니다.', en: 'Names a day that does not exist.' },
  'instant-time': {
    ko: '없는 시각입니다. 00:00부터 23:59:59까지 쓸 수 있습니다.',
    en: 'Names a time of day that does not exist; it goes from 00:00 to 23:59:59.',
  },
  'instant-offset': {
    ko: '없는 시간대입니다. -23:59부터 +23:59까지 쓸 수 있습니다.',
    en: 'Has a time zone that does not exist; offsets go from -23:59 to +23:59.',
  },
  'instant-too-early': { ko: '1970년보다 앞선 과거입니다.', en: 'Lies in the past, before 1970.' },
  'instant-too-late': { ko: '9999년보다 뒤입니다.', en: 'Lies after the year 9999.' },
  past: { ko: '이미 지난 시각입니다.', en: 'Has already passed.' },
  window: { ko: '시작 시각보다 뒤여야 합니다.', en: 'Must be later than the start.' },
  'campaign-name': {
    ko: '눈에 보이는 글자가 있는 1~200자여야 하며, 제어 문자나 보이지 않는 문자가 없어야 합니다.',
    en: 'Must be 1 to 200 characters with something to see, without control or invisible characters.',
  },
  total: { ko: '1 이상 10,000,000 이하의 정수여야 합니다.', en: 'Must be an integer from 1 to 10,000,000.' },
  flag: { ko: 'true 또는 false여야 합니다.', en: 'Must be true or false.' },
  challenge: {
    ko: 'none, proof-of-work, turnstile 중 하나여야 합니다.',
    en: 'Must be none, proof-of-work or turnstile.',
  },
  'draft-state': {
    ko: 'DRAFT여야 합니다. 바로 공개하려면 이 항목을 빼 주세요.',
    en: 'Must be DRAFT; leave it out to publish at once.',
  },
  'challenge-cost': { ko: '100 이상 100,000 이하의 정수여야 합니다.', en: 'Must be an integer from 100 to 100,000.' },
  'challenge-unconfigured': {
    ko: '이 서비스에는 TURNSTILE_SECRET이 설정되어 있지 않아 turnstile을 쓸 수 없습니다.',
    en: 'Cannot be turnstile, because this service has no TURNSTILE_SECRET.',
  },
  'challenge-answer': {
    ko: '눈에 보이는 ASCII 문자 1~3,000자여야 합니다.',
    en: 'Must be a text of 1 to 3,000 printable ASCII characters.',
  },
  limit: { ko: '1 이상 1,000 이하의 정수 하나여야 합니다.', en: 'Must be one integer from 1 to 1,000.' },
  cursor: {
    ko: '이전 응답의 nextCursor 값이어야 합니다.',
    en: 'Must be the nextCursor of an earlier answer.',
    problem: 'invalid-cursor',
  },
  'row-id': { ko: '1 이상의 정수여야 합니다.', en: 'Must be an integer from 1.' },
  status: { ko: '알려진 상태 값이어야 합니다.', en: 'Must be a known status.' },
  'bulk-status': { ko: 'DEAD 또는 PENDING이어야 합니다.', en: 'Must be DEAD or PENDING.' },
  expected: { ko: '0 이상 1,000,000,000 이하의 정수여야 합니다.', en: 'Must be an integer from 0 to 1,000,000,000.' },
  'consequences-of': { ko: 'close 또는 lower여야 합니다.', en: 'Must be close or lower.' },
  'consequences-total': {
    ko: 'of=lower에만, 그리고 반드시 있어야 합니다.',
    en: 'Must be there with of=lower, and only with it.',
  },
  reason: {
    ko: '눈에 보이는 글자가 있는 1~500자의 사유여야 하며, 제어 문자나 보이지 않는 문자가 없어야 합니다.',
    en: 'Must be a reason of 1 to 500 characters with something to see, without control or invisible characters.',
  },
  'no-body': { ko: '본문이 없어야 합니다.', en: 'Must not be there: this call takes no body.' },
  'nothing-to-change': { ko: '변경할 항목이 하나 이상 있어야 합니다.', en: 'Must hold at least one change.' },
} as const satisfies Record<string, InputRule>;

/** The name of a rule, used as a schema's `error`. */
export type InputRuleName = keyof typeof INPUT_RULES;

/** The rule with this name, or undefined if a library wrote the text. */
export function inputRule(name: string): InputRule | undefined {
  return Object.hasOwn(INPUT_RULES, name) ? INPUT_RULES[name as InputRuleName] : undefined;
}

/** One step of a JSON pointer, with the slash before it (RFC 6901 §3). */
export function pointerStep(step: string | number): string {
  return `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The refusal of one value that breaks one rule. */
export function inputProblem(part: InputError['in'], pointer: string, rule: InputRuleName): Problem {
  return new Problem('validation-failed', {
    extensions: { errors: [{ in: part, pointer, detail: INPUT_RULES[rule] }] },
  });
}

/**
 * For calls that take no body. JSON null is a body as well.
 *
 * @throws Problem `validation-failed`.
 */
export function refuseBody(body: unknown): void {
  if (body !== undefined) throw inputProblem('body', '', 'no-body');
}
