import { number, type Text, text } from '../../shared/language.ts';
import { STATUSES } from '../failed-events/words.ts';
import { CAMPAIGN_STATES, campaignStateWord } from '../parts/StateBadge.tsx';
import { zonedInstant } from '../parts/Time.tsx';

const NAMES: Readonly<Record<string, Text>> = {
  name: { ko: '이름', en: 'Name' },
  total: { ko: '총 수량', en: 'Total' },
  startsAt: { ko: '시작', en: 'Start' },
  endsAt: { ko: '종료', en: 'End' },
  requireEntry: { ko: '입장 토큰 요구', en: 'Entry token' },
  challenge: { ko: '확인 과제', en: 'Challenge' },
  challengeCost: { ko: '과제 비용', en: 'Cost of the challenge' },
  state: { ko: '상태', en: 'State' },
  status: { ko: '상태', en: 'State' },
  version: { ko: '버전', en: 'Version' },
  reason: { ko: '사유', en: 'Reason' },
  role: { ko: '역할', en: 'Role' },
  expiresAt: { ko: '만료', en: 'Expires' },
  userId: { ko: '사용자', en: 'User' },
  claimId: { ko: '신청 ID', en: 'Claim' },
  format: { ko: '형식', en: 'Format' },
  withCodes: { ko: '쿠폰 코드 포함', en: 'With codes' },
  from: { ko: '부터', en: 'From' },
  to: { ko: '이전', en: 'Before' },
  bytes: { ko: '바이트', en: 'Bytes' },
  instance: { ko: '프로세스', en: 'Process' },
};
const NONE: Text = { ko: '없음', en: 'none' };
const YES: Text = { ko: '예', en: 'yes' };
const NO: Text = { ko: '아니요', en: 'no' };
const INSTANTS = new Set(['startsAt', 'endsAt', 'expiresAt', 'from', 'to']);

/** What a value of an entry is called. One of a newer service keeps its name. */
export function nameOf(value: string): string {
  const name = Object.hasOwn(NAMES, value) ? NAMES[value] : undefined;
  return name === undefined ? value : text(name);
}

/** A value of an entry in words. Instants are in the operator's own time zone, which is named. */
export function written(name: string, value: unknown): string {
  if (value === null || value === undefined) return text(NONE);
  if (INSTANTS.has(name)) {
    const date = new Date(value as string | number);
    return Number.isNaN(date.getTime()) ? String(value as string | number) : zonedInstant(date);
  }
  if (name === 'state') {
    const state = CAMPAIGN_STATES.find((one) => one === value);
    if (state !== undefined) return text(campaignStateWord(state));
  }
  if (name === 'status' && typeof value === 'string' && Object.hasOwn(STATUSES, value)) {
    return text(STATUSES[value as keyof typeof STATUSES].word);
  }
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean') return text(value ? YES : NO);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
