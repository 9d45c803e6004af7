import { type Schemas } from '../../api/client.ts';
import { type Text } from '../../shared/language.ts';
import { type IconName } from '../parts/Icon.tsx';
import { type Tone } from '../parts/StateBadge.tsx';

export type System = Schemas['System'];

export interface State {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: Text;
}

const UP: State = { tone: 'good', icon: 'on', word: { ko: '응답함', en: 'Answers' } };
const AWAY: State = { tone: 'bad', icon: 'bad', word: { ko: '응답 없음', en: 'Away' } };

/** It answers a question, and claims cannot work with it: read-only, full, or without a right. */
const UNUSABLE: State = { tone: 'bad', icon: 'bad', word: { ko: '사용할 수 없음', en: 'Cannot be used' } };
const DISK_OK: State = { tone: 'good', icon: 'on', word: { ko: '여유 있음', en: 'Has room' } };
const DISK_IS_LOW: State = { tone: 'bad', icon: 'bad', word: { ko: '공간 부족', en: 'Nearly full' } };

const GATE_STATES: Readonly<Record<System['gate']['state'], State>> = {
  open: { tone: 'good', icon: 'on', word: { ko: '열림', en: 'Open' } },
  fenced: { tone: 'bad', icon: 'stop', word: { ko: '닫힘 (다시 만들어야 함)', en: 'Closed, to be rebuilt' } },
  unknown: { tone: 'warn', icon: 'warn', word: { ko: '알 수 없음', en: 'Not known' } },
};
const ADMITS_NONE: State = { tone: 'bad', icon: 'bad', word: { ko: '신청을 받지 못함', en: 'Admits no claim' } };

export function serverState({ up, answerMs }: { readonly up: boolean; readonly answerMs: number | null }): State {
  if (up) return UP;
  return answerMs === null ? AWAY : UNUSABLE;
}

/** An open gate admits nothing while its server refuses, or while nothing could keep a claim. */
export function gateState({ gate, redis, claimLog, database }: System): State {
  if (gate.state !== 'open') return GATE_STATES[gate.state];
  const admits = gate.downSince === null && gate.trouble === null && redis?.up !== false;
  return admits && (claimLog.up || database.up) ? GATE_STATES.open : ADMITS_NONE;
}

/** Free space below which the alert CouponDiskLow fires, bytes. */
export const DISK_LOW_BYTES = 1e9;

export function diskState({ freeBytes }: NonNullable<System['disk']>): State {
  return freeBytes < DISK_LOW_BYTES ? DISK_IS_LOW : DISK_OK;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB` */
export function bytes(count: number, locale: string): string {
  let [value, unit] = [count, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 });
  return `${digits.format(value)} ${UNITS[unit] ?? ''}`;
}
