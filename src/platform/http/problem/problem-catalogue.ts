import { OPERATOR_PROBLEMS } from './operator-problems.js';
import { kind, type ProblemKind } from './problem-kind.js';

/**
 * Every refusal of the service. A code is part of the API and never changes. The texts are for people, and name no
 * tables, keys or products.
 */
export const PROBLEMS = {
  'malformed-json': kind(
    400,
    ['잘못된 JSON', 'Malformed JSON'],
    ['요청 본문이 올바른 UTF-8 JSON이 아닙니다.', 'The request body is not valid JSON in UTF-8.'],
  ),
  'validation-failed': kind(
    400,
    ['잘못된 입력', 'Invalid input'],
    ['요청에 올바르지 않은 값이 있습니다. errors를 확인해 주세요.', 'The request holds invalid values; see errors.'],
  ),
  'bad-request': kind(
    400,
    ['잘못된 요청', 'Bad request'],
    ['요청을 HTTP로 해석할 수 없습니다.', 'The request cannot be understood as HTTP.'],
  ),
  'invalid-idempotency-key': kind(
    400,
    ['잘못된 Idempotency-Key', 'Invalid Idempotency-Key'],
    [
      'Idempotency-Key는 1~255자의 출력 가능한 ASCII 문자여야 합니다.',
      'Idempotency-Key must be 1 to 255 printable ASCII characters.',
    ],
  ),
  'invalid-cursor': kind(
    400,
    ['잘못된 커서', 'Invalid cursor'],
    ['cursor는 이전 응답의 nextCursor 값이어야 합니다.', 'cursor must be the nextCursor of an earlier answer.'],
  ),
  unauthorized: kind(
    401,
    ['인증 필요', 'Unauthorized'],
    [
      '유효한 사용자 토큰, API 키 또는 관리자 토큰이 필요합니다.',
      'A valid token of the user, API key or admin token is required.',
    ],
  ),
  'role-not-allowed': kind(
    403,
    ['권한 부족', 'Role not allowed'],
    [
      '이 API 키의 역할로는 할 수 없는 요청입니다. 필요한 역할은 neededRole에 있습니다.',
      'The role of this API key does not allow this call; neededRole names the role that does.',
    ],
  ),
  'not-your-user': kind(
    403,
    ['다른 사용자', 'Not your user'],
    ['다른 사용자를 대신하거나 조회할 수 없습니다.', 'A user can neither claim for another user nor read about one.'],
  ),
  'user-not-usable': kind(
    403,
    ['사용할 수 없는 사용자', 'User not usable'],
    [
      '토큰의 사용자 이름을 이 서비스의 사용자 ID로 쓸 수 없습니다.',
      'What the token says of its user cannot be a user id here.',
    ],
  ),
  'entry-required': kind(
    403,
    ['입장 토큰 필요', 'Entry required'],
    ['유효한 입장 토큰이 필요합니다. entry에서 받아 주세요.', 'A valid X-Entry-Token is required; entry gives one.'],
  ),
  'challenge-failed': kind(
    403,
    ['확인 실패', 'Challenge failed'],
    ['확인 과제의 답이 없거나 올바르지 않습니다.', 'The answer to the challenge is missing or wrong.'],
  ),
  'not-found': kind(
    404,
    ['찾을 수 없음', 'Not found'],
    ['요청한 경로가 존재하지 않습니다.', 'There is nothing at this path.'],
  ),
  'campaign-not-found': kind(
    404,
    ['캠페인 없음', 'Campaign not found'],
    ['해당 캠페인이 존재하지 않습니다.', 'There is no such campaign.'],
  ),
  'claim-not-found': kind(
    404,
    ['신청 내역 없음', 'Claim not found'],
    ['이 사용자의 신청 내역이 없습니다.', 'This user has no claim in this campaign.'],
  ),
  'method-not-allowed': kind(
    405,
    ['허용되지 않은 메서드', 'Method not allowed'],
    ['이 경로는 해당 메서드를 지원하지 않습니다. Allow를 확인해 주세요.', 'This path has other methods; see Allow.'],
  ),
  'request-timeout': kind(
    408,
    ['요청 시간 초과', 'Request timeout'],
    ['요청이 제시간에 도착하지 않았습니다.', 'The request did not arrive in time.'],
  ),
  'campaign-not-started': kind(
    409,
    ['시작 전', 'Not started'],
    ['아직 시작되지 않은 캠페인입니다.', 'The campaign has not started yet.'],
  ),
  'campaign-paused': kind(409, ['일시 중지', 'Paused'], ['일시 중지된 캠페인입니다.', 'The campaign is paused.']),
  'campaign-closed': kind(409, ['종료됨', 'Closed'], ['마감된 캠페인입니다.', 'The campaign is closed for good.']),
  'campaign-ended': kind(409, ['기간 만료', 'Ended'], ['신청 기간이 끝난 캠페인입니다.', 'The campaign is over.']),
  'sold-out': kind(409, ['소진', 'Sold out'], ['쿠폰이 모두 소진되었습니다.', 'All coupons are taken.']),
  'already-claimed': kind(
    409,
    ['이미 신청함', 'Already claimed'],
    ['이미 이 캠페인에 신청했습니다.', 'This user has already claimed in this campaign.'],
  ),
  'payload-too-large': kind(
    413,
    ['본문이 너무 큼', 'Payload too large'],
    ['요청 본문은 4KB를 넘을 수 없습니다.', 'The request body must not exceed 4 KB.'],
  ),
  'unsupported-media-type': kind(
    415,
    ['지원하지 않는 형식', 'Unsupported media type'],
    [
      '본문은 압축하지 않은 application/json(UTF-8)이어야 합니다.',
      'The body must be application/json in UTF-8, without a content encoding.',
    ],
  ),
  'expectation-failed': kind(
    417,
    ['지원하지 않는 Expect', 'Expectation failed'],
    ['Expect 헤더는 100-continue만 지원합니다.', 'The Expect header may only hold 100-continue.'],
  ),
  'too-many-requests': kind(
    429,
    ['요청이 너무 잦음', 'Too many requests'],
    ['요청이 너무 잦습니다. 잠시 후 다시 시도해 주세요.', 'Too many requests; try again after a while.'],
    60,
  ),
  'headers-too-large': kind(
    431,
    ['헤더가 너무 큼', 'Headers too large'],
    ['요청 헤더는 8KB와 100개를 넘을 수 없습니다.', 'The request headers must not exceed 8 KB or 100 fields.'],
  ),
  'internal-error': kind(
    500,
    ['서버 오류', 'Internal error'],
    ['처리 중 오류가 발생했습니다. requestId로 문의해 주세요.', 'Something went wrong; quote the requestId.'],
  ),
  'not-implemented': kind(
    501,
    ['지원하지 않는 전송 인코딩', 'Not implemented'],
    ['Transfer-Encoding은 chunked만 지원합니다.', 'The only transfer coding that is understood is chunked.'],
  ),
  'http-version-not-supported': kind(
    505,
    ['지원하지 않는 HTTP 버전', 'HTTP version not supported'],
    ['HTTP/1.1 또는 HTTP/1.0으로 요청해 주세요.', 'The request has to be HTTP/1.1 or HTTP/1.0.'],
  ),
  'issuer-unavailable': kind(
    503,
    ['발급 일시 중단', 'Issuing unavailable'],
    ['지금은 신청을 받을 수 없습니다. 잠시 후 다시 시도해 주세요.', 'Claims cannot be taken right now; try again.'],
    2,
  ),
  'challenge-unavailable': kind(
    503,
    ['확인 불가', 'Challenge unavailable'],
    ['지금은 확인할 수 없습니다. 잠시 후 다시 시도해 주세요.', 'The challenge cannot be judged right now; try again.'],
    2,
  ),
  'too-many-connections': kind(
    503,
    ['연결이 너무 많음', 'Too many connections'],
    ['지금은 연결이 너무 많습니다. 잠시 후 다시 시도해 주세요.', 'Too many connections are open right now; try again.'],
    2,
  ),
  'too-many-watchers': kind(
    503,
    ['실시간 연결이 너무 많음', 'Too many watchers'],
    [
      '지금은 실시간으로 보는 연결이 너무 많습니다. 캠페인 조회로 확인해 주세요.',
      'Too many callers watch right now; read the campaign from time to time instead.',
    ],
    30,
  ),
  'claim-unconfirmed': kind(
    503,
    ['신청 확인 불가', 'Claim unconfirmed'],
    [
      '신청 결과를 확인하지 못했습니다. 발급될 수도 있으니 다시 신청하여 확인해 주세요.',
      'It is not known whether the claim counts; it may still be issued. Asking again is safe and tells.',
    ],
    2,
  ),
  busy: kind(
    503,
    ['요청 과다', 'Busy'],
    ['지금은 요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.', 'Too much is asked right now; try again in a moment.'],
    2,
  ),
  'database-unavailable': kind(
    503,
    ['일시적 장애', 'Temporarily unavailable'],
    ['지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.', 'This cannot be answered right now; try again.'],
    5,
  ),
  'identity-unavailable': kind(
    503,
    ['인증 확인 불가', 'Identity unavailable'],
    [
      '지금은 토큰을 확인할 수 없습니다. 잠시 후 다시 시도해 주세요.',
      'The token cannot be verified right now; try again in a moment.',
    ],
    5,
  ),
  ...OPERATOR_PROBLEMS,
} as const satisfies Record<string, ProblemKind>;

/** The stable name of a refusal: `code` in the body, and the end of `type`. */
export type ProblemCode = keyof typeof PROBLEMS;

/** True if a text of unknown origin is the name of a problem. */
export function isProblemCode(text: unknown): text is ProblemCode {
  return typeof text === 'string' && Object.hasOwn(PROBLEMS, text);
}
