import { type Schemas } from '../../api/client.ts';
import { type Text } from '../../shared/language.ts';

export type AuditEntry = Schemas['AuditEntry'];

/** What was done, in words. An action of a newer service is shown by its name. */
export const ACTIONS: Readonly<Record<string, Text>> = {
  'campaign.create': { ko: '캠페인 생성', en: 'Created a campaign' },
  'campaign.change': { ko: '캠페인 변경', en: 'Changed a campaign' },
  'campaign.pause': { ko: '캠페인 일시 중지', en: 'Paused a campaign' },
  'campaign.resume': { ko: '캠페인 재개', en: 'Resumed a campaign' },
  'campaign.close': { ko: '캠페인 마감', en: 'Closed a campaign' },
  'campaign.publish': { ko: '초안 게시', en: 'Published a draft' },
  'draft.create': { ko: '초안 생성', en: 'Made a draft' },
  'draft.change': { ko: '초안 변경', en: 'Changed a draft' },
  'draft.delete': { ko: '초안 삭제', en: 'Deleted a draft' },
  'coupons.list': { ko: '쿠폰 코드 목록 조회', en: 'Saw a list of codes' },
  'coupons.export': { ko: '쿠폰 내려받기', en: 'Exported coupons' },
  search: { ko: '검색에서 코드 조회', en: 'Saw codes in a search' },
  'failed-event.requeue': { ko: '발급 실패 건 다시 넣기', en: 'Requeued a failed event' },
  'failed-event.discard': { ko: '발급 실패 건 폐기', en: 'Discarded a failed event' },
  'key.create': { ko: 'API 키 생성', en: 'Made an API key' },
  'key.revoke': { ko: 'API 키 폐기', en: 'Revoked an API key' },
  'approval.request': { ko: '승인 요청', en: 'Asked for a second operator' },
  'approval.approve': { ko: '요청 승인', en: 'Approved a request' },
  'approval.reject': { ko: '요청 거절', en: 'Rejected a request' },
  'approval.fail': { ko: '바뀐 것이 있어 승인 실패', en: 'Approved too late: it had changed' },
  'approval.expire': { ko: '승인 시간 만료', en: 'A request’s time was over' },
  'session.begin': { ko: '콘솔 로그인', en: 'Signed in to the console' },
  'session.end': { ko: '콘솔 로그아웃', en: 'Signed out of the console' },
  'event-key.rotate': { ko: '이벤트 서명 키 교체', en: 'Rotated the key of events' },
  'event-key.retire': { ko: '이벤트 서명 키 폐기', en: 'Retired a key of events' },
  'event-key.refuse-unsigned': { ko: '서명 없는 이벤트 거부 시작', en: 'Began to refuse unsigned events' },
  'event-key.accept-unsigned': { ko: '서명 없는 이벤트 허용', en: 'Accepted unsigned events' },
  backup: { ko: '백업', en: 'Took a backup' },
};

/** One value that an action has set. */
export interface Change {
  readonly name: string;
  /** There only where the entry says what it was before. */
  readonly before?: unknown;
  readonly after: unknown;
}

/** The entry's detail, with `before` and `after` laid side by side. What did not change is left out of those. */
export function changesOf(detail: Readonly<Record<string, unknown>>): readonly Change[] {
  const { before, after, ...rest } = detail;
  const changes: Change[] = Object.entries(rest).map(([name, value]) => ({ name, after: value ?? null }));
  const [old, now] = [asObject(before), asObject(after)];
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const [was, is] = [old[name] ?? null, now[name] ?? null];
    if (JSON.stringify(was) !== JSON.stringify(is)) changes.push({ name, before: was, after: is });
  }
  return changes;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
