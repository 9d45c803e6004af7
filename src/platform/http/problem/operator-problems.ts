import { kind, type ProblemKind } from './problem-kind.js';

/** Refusals that only calls under `/api/admin` know. */
export const OPERATOR_PROBLEMS = {
  'invalid-if-match': kind(
    400,
    ['잘못된 If-Match', 'Invalid If-Match'],
    ['If-Match는 "3"과 같은 ETag이거나 *이어야 합니다.', 'If-Match must be an ETag such as "3", or *.'],
  ),
  'session-expired': kind(
    401,
    ['세션 만료', 'Session expired'],
    ['로그인 세션이 끝났습니다. 다시 로그인해 주세요.', 'The session is over; sign in again.'],
  ),
  'not-same-origin': kind(
    403,
    ['허용되지 않은 출처', 'Not the same origin'],
    [
      '세션 쿠키로 변경하려면 같은 출처(https, 또는 이 컴퓨터)의 페이지에서 X-Requested-With 헤더와 함께 요청해야 합니다. 앞단 프록시는 Host를 그대로 전달해야 합니다.',
      'A change by cookie needs X-Requested-With, and an Origin that is https or on this machine and has the host that was asked. A proxy in front has to pass Host on.',
    ],
  ),
  'key-not-found': kind(
    404,
    ['API 키 없음', 'Key not found'],
    ['해당 API 키가 존재하지 않습니다.', 'There is no API key with this id.'],
  ),
  'failed-event-not-found': kind(
    404,
    ['발급 실패 건 없음', 'Failed event not found'],
    ['해당 발급 실패 건이 존재하지 않습니다.', 'There is no such failed event.'],
  ),
  'approval-not-found': kind(
    404,
    ['승인 요청 없음', 'Approval not found'],
    ['해당 승인 요청이 존재하지 않습니다.', 'There is no such request for approval.'],
  ),
  'own-approval': kind(
    403,
    ['본인 요청', 'Own request'],
    [
      '요청한 사람은 승인할 수 없습니다. 다른 운영자가 승인해야 합니다.',
      'Whoever has asked cannot approve; another operator has to.',
    ],
  ),
  'approval-decided': kind(
    409,
    ['이미 처리됨', 'Already decided'],
    [
      '이미 처리되었거나 기한이 지난 요청입니다. approval을 확인해 주세요.',
      'It was decided already, or its time is over; see approval.',
    ],
  ),
  'approval-outdated': kind(
    409,
    ['그 사이에 변경됨', 'Outdated'],
    [
      '요청한 뒤에 대상이 변경되어 실행하지 않았습니다. now를 확인해 주세요.',
      'What it acts on has changed since it was asked for, so nothing was done; see now.',
    ],
  ),
  'campaign-draft': kind(
    409,
    ['공개 전', 'Draft'],
    [
      '아직 공개되지 않은 초안입니다. 먼저 공개하거나 삭제해 주세요.',
      'The campaign is a draft; publish it first, or delete it.',
    ],
  ),
  'campaign-published': kind(
    409,
    ['이미 공개됨', 'Published'],
    [
      '공개된 캠페인은 삭제할 수 없습니다. 마감할 수는 있습니다.',
      'A campaign that was published cannot be deleted; it can be closed.',
    ],
  ),
  'total-below-claimed': kind(
    409,
    ['수량 부족', 'Total below claims'],
    ['총 수량을 이미 신청된 수보다 적게 줄일 수 없습니다.', 'The total cannot be lowered below the number of claims.'],
  ),
  'invalid-state': kind(
    409,
    ['처리할 수 없는 상태', 'Invalid state'],
    ['현재 상태에서는 처리할 수 없습니다.', 'This cannot be done in the current state.'],
  ),
  'coupon-exists': kind(
    409,
    ['이미 발급됨', 'Coupon exists'],
    ['이미 쿠폰이 발급되어 폐기할 수 없습니다.', 'The coupon has been issued, so this cannot be discarded.'],
  ),
  'backup-under-way': kind(
    409,
    ['백업 진행 중', 'Backup under way'],
    [
      '다른 백업이 진행 중입니다. 끝난 뒤 다시 시도해 주세요.',
      'Another backup is under way; try again when it has ended.',
    ],
    10,
  ),
  'precondition-failed': kind(
    412,
    ['버전 불일치', 'Precondition failed'],
    ['그 사이에 변경되었습니다. 다시 조회해 주세요.', 'It has changed in the meantime; read it again.'],
  ),
  'idempotency-key-reused': kind(
    422,
    ['이미 사용된 Idempotency-Key', 'Idempotency-Key reused'],
    [
      '이 Idempotency-Key는 다른 내용의 요청에 이미 사용되었습니다.',
      'This Idempotency-Key belongs to an earlier request with other contents.',
    ],
  ),
  'precondition-required': kind(
    428,
    ['If-Match 필요', 'If-Match required'],
    ['If-Match 헤더가 필요합니다.', 'The If-Match header is required.'],
  ),
  'gate-not-told': kind(
    503,
    ['변경 미반영', 'Gate not told'],
    [
      '변경이 아직 발급 게이트에 반영되지 않아, 그때까지는 이전 조건으로 신청을 받을 수 있습니다. stored가 true이면 저장되었으며 게이트가 응답하는 대로 몇 초 안에 자동으로 반영됩니다. false이면 아무것도 바뀌지 않았습니다. 다시 요청해도 안전합니다.',
      'The gate has not confirmed the change, and until then may decide claims by the terms from before. Where stored is true, the change is stored and reaches the gate by itself, within seconds of its answering again; where it is false, nothing was changed. Asking again is safe.',
    ],
    3,
  ),
  'not-enough-space': kind(
    507,
    ['디스크 공간 부족', 'Not enough space'],
    [
      '백업 후 신청을 받을 디스크 공간이 부족합니다. 공간을 늘린 뒤 다시 시도해 주세요.',
      'The backup would leave too little room on the disk for claims. Make room, then try again.',
    ],
  ),
} as const satisfies Record<string, ProblemKind>;
