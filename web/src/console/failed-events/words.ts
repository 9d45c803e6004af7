import { type Schemas } from '../../api/client.ts';
import { type Text } from '../../shared/language.ts';
import { type IconName } from '../parts/Icon.tsx';
import { type Tone } from '../parts/StateBadge.tsx';

export type FailedEvent = Schemas['FailedEvent'];
export type Status = FailedEvent['status'];

interface StatusWords {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: Text;
  /** What happens to it next. */
  readonly next: Text;
}

/** In the order in which an operator wants to see them. */
export const STATUSES: Readonly<Record<Status, StatusWords>> = {
  DEAD: {
    tone: 'bad',
    icon: 'bad',
    word: { ko: '운영자 확인 필요', en: 'Needs you' },
    next: {
      ko: '운영자가 다시 넣거나 폐기할 때까지 그대로입니다.',
      en: 'Stays until an operator requeues or discards it.',
    },
  },
  PENDING: {
    tone: 'warn',
    icon: 'wait',
    word: { ko: '재시도 대기', en: 'Waits' },
    next: { ko: '다음 시도 시각에 자동으로 다시 처리됩니다.', en: 'Tried again by itself at its next attempt.' },
  },
  PUBLISHING: {
    tone: 'accent',
    icon: 'wait',
    word: { ko: '재처리 중', en: 'Being tried again' },
    next: { ko: '지금 다시 처리하고 있습니다.', en: 'The service tries it again now.' },
  },
  REPUBLISHED: {
    tone: 'accent',
    icon: 'on',
    word: { ko: '재처리됨', en: 'Tried again' },
    next: { ko: '컨슈머가 쿠폰을 저장하면 해결됩니다.', en: 'Resolved once the consumer has stored the coupon.' },
  },
  DISCARDED: {
    tone: 'quiet',
    icon: 'stop',
    word: { ko: '폐기됨', en: 'Discarded' },
    next: { ko: '끝났습니다. 쿠폰이 되지 않습니다.', en: 'Final: it becomes no coupon.' },
  },
  RESOLVED: {
    tone: 'good',
    icon: 'good',
    word: { ko: '해결됨', en: 'Resolved' },
    next: { ko: '끝났습니다. 쿠폰이 발급되었습니다.', en: 'Final: the coupon is issued.' },
  },
};

const REASONS: Readonly<Record<string, Text>> = {
  'bad-signature': {
    ko: '이 설치의 서명이 없습니다. 다른 프로그램이 토픽에 썼을 수 있으니, 원인을 알기 전에는 다시 넣지 마세요.',
    en: 'It does not bear this installation’s signature. Another program may have written it: do not requeue it before you know.',
  },
  unreadable: { ko: '메시지를 읽을 수 없습니다.', en: 'The message cannot be read.' },
  'unreadable-batch': {
    ko: '토픽의 배치 전체를 읽을 수 없습니다. 디스크 손상일 수 있습니다.',
    en: 'A whole batch of the topic cannot be read: perhaps a damaged disk.',
  },
  'unknown-version': {
    ko: '더 새로운 버전의 서비스가 쓴 메시지입니다.',
    en: 'A newer version of the service has written it.',
  },
  'invalid-schema': { ko: '신청의 형식이 아닙니다.', en: 'It does not have the form of a claim.' },
  'unknown-campaign': {
    ko: '데이터베이스에 없는 캠페인의 신청입니다.',
    en: 'The database knows no campaign of this id.',
  },
  'over-total': {
    ko: '캠페인의 총 수량이 이미 모두 발급되었습니다. 총 수량을 늘린 뒤 다시 넣으면 발급됩니다.',
    en: 'The campaign’s total is issued already. It becomes a coupon if the total is raised and it is requeued.',
  },
  'refused-by-database': {
    ko: '데이터베이스가 이 행만 거부합니다. 다른 행은 저장됩니다.',
    en: 'The database refuses this row, while it stores others.',
  },
  'log-away': { ko: '신청 로그(Kafka)가 응답하지 않았습니다.', en: 'The claim log did not answer.' },
  'log-full': { ko: '신청 로그로 나갈 자리가 없었습니다.', en: 'There was no room on the way to the claim log.' },
  'log-unconfirmed': {
    ko: '신청 로그가 제때 확인해 주지 않았습니다.',
    en: 'The claim log did not confirm it in time.',
  },
  'never-arrived': {
    ko: '접수된 신청이 컨슈머에 도착하지 않아 스위퍼가 찾아냈습니다.',
    en: 'The claim never reached the consumer; the sweeper has found it.',
  },
  'taken-over': {
    ko: '발급 게이트를 다시 만들 때 이전 게이트에서 이어받은 신청입니다.',
    en: 'A rebuild took the claim over from the gate before.',
  },
};

/** Why it waits, in words; null for a code of a newer service, whose message says it. */
export function reasonOf({ errorCode }: Pick<FailedEvent, 'errorCode'>): Text | null {
  return REASONS[errorCode] ?? null;
}

export function mayRequeue({ status, claimedAt }: Pick<FailedEvent, 'status' | 'claimedAt'>): boolean {
  return claimedAt !== null && (status === 'DEAD' || status === 'PENDING');
}

export function mayDiscard({ status }: Pick<FailedEvent, 'status'>): boolean {
  return status !== 'DISCARDED' && status !== 'RESOLVED';
}
