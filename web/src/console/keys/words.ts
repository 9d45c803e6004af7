import { type Schemas } from '../../api/client.ts';
import { type Text } from '../../shared/language.ts';
import { type IconName } from '../parts/Icon.tsx';
import { type Tone } from '../parts/StateBadge.tsx';

export type ApiKey = Schemas['ApiKey'];
export type KeyRole = ApiKey['role'];

/** What a key of each role may do. */
export const ROLES: Readonly<Record<KeyRole, { readonly name: Text; readonly may: Text }>> = {
  viewer: {
    name: { ko: 'viewer · 조회자', en: 'viewer' },
    may: {
      ko: '캠페인, 현황, 발급 실패 건, 쿠폰 목록을 코드 없이 봅니다.',
      en: 'Sees campaigns, live numbers, failed events, and coupons without their codes.',
    },
  },
  operator: {
    name: { ko: 'operator · 운영자', en: 'operator' },
    may: {
      ko: '캠페인을 만들고 바꾸고 마감하며, 발급 실패 건을 처리하고, 코드를 보고 내려받습니다.',
      en: 'Also makes, changes and closes campaigns, deals with failed events, and sees and exports codes.',
    },
  },
  admin: {
    name: { ko: 'admin · 관리자', en: 'admin' },
    may: { ko: 'API 키를 포함해 모든 것을 합니다.', en: 'May do everything, API keys included.' },
  },
  issuer: {
    name: { ko: 'issuer · 쇼핑몰 서버', en: 'issuer' },
    may: {
      ko: '사용자를 대신해 신청하고 조회합니다. 콘솔은 열 수 없습니다.',
      en: 'Claims and reads on behalf of users, as the shop’s server does. It opens no console.',
    },
  },
  redeemer: {
    name: { ko: 'redeemer · 사용 처리', en: 'redeemer' },
    may: { ko: '쿠폰 확인과 사용 처리만 합니다.', en: 'Validates and redeems coupons, and nothing else.' },
  },
};

export type KeyState = 'valid' | 'expires-soon' | 'expired' | 'revoked';

const SOON_MS = 14 * 24 * 3_600_000;

/** @param now ms since the Unix epoch. */
export function keyState({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: number): KeyState {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'valid';
  const leftMs = Date.parse(expiresAt) - now;
  if (leftMs <= 0) return 'expired';
  return leftMs < SOON_MS ? 'expires-soon' : 'valid';
}

export const STATES: Readonly<Record<KeyState, { readonly tone: Tone; readonly icon: IconName; readonly word: Text }>> =
  {
    valid: { tone: 'good', icon: 'on', word: { ko: '유효', en: 'Valid' } },
    'expires-soon': { tone: 'warn', icon: 'wait', word: { ko: '곧 만료', en: 'Expires soon' } },
    expired: { tone: 'quiet', icon: 'end', word: { ko: '만료됨', en: 'Expired' } },
    revoked: { tone: 'quiet', icon: 'stop', word: { ko: '폐기됨', en: 'Revoked' } },
  };
