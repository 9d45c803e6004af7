import { type Text } from '../../shared/language.ts';
import { type IconName } from '../parts/Icon.tsx';
import { type Tone } from '../parts/StateBadge.tsx';
import { type Approval } from './approval.ts';

/** What was asked for. */
export const ACTS: Readonly<Record<Approval['action'], Text>> = {
  'campaign.close': { ko: '캠페인 마감', en: 'Close a campaign' },
  'campaign.change': { ko: '총 수량 줄이기', en: 'Lower a total' },
  'failed-event.discard': { ko: '발급 실패 건 폐기', en: 'Discard a failed event' },
  'failed-events.discard': { ko: '발급 실패 건 여러 건 폐기', en: 'Discard many failed events' },
  'key.create': { ko: 'API 키 생성', en: 'Make an API key' },
  'key.revoke': { ko: 'API 키 폐기', en: 'Revoke an API key' },
};

export const STATUSES: Readonly<
  Record<Approval['status'], { readonly tone: Tone; readonly icon: IconName; readonly word: Text }>
> = {
  PENDING: { tone: 'warn', icon: 'wait', word: { ko: '승인 대기', en: 'Waits' } },
  EXECUTED: { tone: 'good', icon: 'good', word: { ko: '승인되어 실행됨', en: 'Approved and done' } },
  FAILED: { tone: 'bad', icon: 'bad', word: { ko: '그 사이 바뀌어 실행 안 됨', en: 'Not done: it had changed' } },
  REJECTED: { tone: 'quiet', icon: 'stop', word: { ko: '거절 또는 취소됨', en: 'Rejected or taken back' } },
  EXPIRED: { tone: 'quiet', icon: 'end', word: { ko: '시간 만료', en: 'Time over' } },
};

const STAY: Text = { ko: '이미 받은 신청은 그대로 쿠폰이 됩니다', en: 'admitted claims stay, and become coupons' };
const UNISSUED: Text = { ko: '그중 아직 발급 중', en: 'of these are still being issued' };
const CLOSED: Text = { ko: '남은 수량은 아무도 받지 못합니다', en: 'slots are closed: nobody gets them' };
const TOTAL: Text = { ko: '지금 총 수량', en: 'is the total now' };
const NEW_TOTAL: Text = { ko: '새 총 수량', en: 'is the new total' };
const ROWS: Text = { ko: '발급 실패 건이 폐기됩니다', en: 'failed events are discarded' };
const CLAIMS: Text = { ko: '신청은 쿠폰이 되지 않습니다', en: 'claims become no coupons, for good' };

/** One consequence, as a number. */
export interface Consequence {
  /** null: it was not known when it was asked for. */
  readonly value: number | null;
  readonly of: Text;
}

const NUMBERS: Readonly<Record<Approval['action'], readonly (readonly [name: string, of: Text])[]>> = {
  'campaign.close': [
    ['claimed', STAY],
    ['unissued', UNISSUED],
    ['slotsClosed', CLOSED],
  ],
  'campaign.change': [
    ['total', TOTAL],
    ['newTotal', NEW_TOTAL],
    ['claimed', STAY],
    ['slotsClosed', CLOSED],
  ],
  'failed-event.discard': [['claims', CLAIMS]],
  'failed-events.discard': [
    ['count', ROWS],
    ['claims', CLAIMS],
  ],
  'key.create': [],
  'key.revoke': [],
};

/** What it would do, by the numbers of the moment when it was asked for. */
export function numbersOf({ action, consequences }: Pick<Approval, 'action' | 'consequences'>): readonly Consequence[] {
  return NUMBERS[action].map(([name, of]) => {
    const value = consequences[name];
    return { value: typeof value === 'number' ? value : null, of };
  });
}

/** Something else that the second operator has to know. */
export interface Fact {
  readonly name: Text;
  /** null: none. */
  readonly value: string | null;
  readonly isInstant: boolean;
}

const NAMES: Readonly<Record<string, Text>> = {
  reason: { ko: '사유', en: 'Reason' },
  status: { ko: '상태', en: 'State' },
  name: { ko: '이름', en: 'Name' },
  role: { ko: '역할', en: 'Role' },
  expiresAt: { ko: '만료', en: 'Expires' },
  lastUsedAt: { ko: '마지막 사용', en: 'Last use' },
  startsAt: { ko: '시작', en: 'Start' },
  endsAt: { ko: '종료', en: 'End' },
  requireEntry: { ko: '입장 토큰 요구', en: 'Ask for an entry token' },
  challenge: { ko: '확인 과제', en: 'Challenge' },
  challengeCost: { ko: '과제 비용', en: 'Cost of the challenge' },
};
/** What nobody can make again. */
const NAMED: ReadonlySet<string> = new Set(['campaign.close', 'campaign.change', 'key.revoke']);
const INSTANTS: ReadonlySet<string> = new Set(['expiresAt', 'lastUsedAt', 'startsAt', 'endsAt']);

/** Texts and instants of what was asked for: all that would be changed, so that nothing is approved unseen. */
export function factsOf({
  action,
  order,
  consequences,
}: Pick<Approval, 'action' | 'order' | 'consequences'>): readonly Fact[] {
  switch (action) {
    case 'campaign.close':
      return [];
    case 'campaign.change': {
      // The total is among the numbers.
      const { total: _total, ...terms } = recordOf(order['change']);
      return Object.entries(terms).map(([name, value]) => fact(name, value));
    }
    case 'failed-event.discard':
      return [fact('status', consequences['status']), fact('reason', order['reason'])];
    case 'failed-events.discard':
      return [fact('status', order['status']), fact('reason', order['reason'])];
    case 'key.create':
    case 'key.revoke':
      return Object.entries(consequences).map(([name, value]) => fact(name, value));
  }
}

/** The campaign or the key that it acts on, by its name when it was asked for; the id where it has none. */
export function nameOf({ subject, consequences }: Pick<Approval, 'subject' | 'consequences'>): string {
  return textAt(consequences, 'name') ?? subject;
}

/** What has to be typed before it is done for good, as the one who has asked had to; undefined where nothing had to be. */
export function nameToType(approval: Pick<Approval, 'action' | 'subject' | 'consequences'>): string | undefined {
  return NAMED.has(approval.action) ? nameOf(approval) : undefined;
}

/** undefined: there is none, or it is no text. */
export function textAt(facts: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = facts[name];
  return typeof value === 'string' ? value : undefined;
}

/** Why the operator may not approve it; null: they may. */
export function bar(
  { requestedBy, neededRole }: Pick<Approval, 'requestedBy' | 'neededRole'>,
  actorId: string | undefined,
  hasRole: (role: Approval['neededRole']) => boolean,
): 'role' | 'own' | null {
  if (!hasRole(neededRole)) return 'role';
  return requestedBy.id === actorId ? 'own' : null;
}

function fact(name: string, value: unknown): Fact {
  const isInstant = INSTANTS.has(name) && (typeof value === 'string' || typeof value === 'number');
  const shown = isInstant ? new Date(value as string | number).toISOString() : String(value);
  return {
    name: NAMES[name] ?? { ko: name, en: name },
    value: value === null || value === undefined ? null : shown,
    isInstant,
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
