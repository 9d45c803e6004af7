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

export const UP: State = { tone: 'good', icon: 'on', word: { ko: '응답함', en: 'Answers' } };
export const AWAY: State = { tone: 'bad', icon: 'bad', word: { ko: '응답 없음', en: 'Away' } };

export const GATE_STATES: Readonly<Record<System['gate']['state'], State>> = {
  open: { tone: 'good', icon: 'on', word: { ko: '열림', en: 'Open' } },
  fenced: { tone: 'bad', icon: 'stop', word: { ko: '닫힘 (다시 만들어야 함)', en: 'Closed, to be rebuilt' } },
  unknown: { tone: 'warn', icon: 'warn', word: { ko: '알 수 없음', en: 'Not known' } },
};

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

/** What stands in the way of claims now, the worst first; empty when all is well. */
export function troublesOf({ gate, claimLog, database, redis }: System): readonly Trouble[] {
  const troubles: Trouble[] = [];
  if (gate.state !== 'open') troubles.push({ what: GATE_CLOSED, since: gate.downSince, why: gate.trouble });
  else if (gate.trouble !== null) troubles.push({ what: GATE_TROUBLE, since: gate.downSince, why: gate.trouble });
  if (redis !== null && !redis.up) troubles.push({ what: REDIS_AWAY, since: redis.awaySince, why: redis.trouble });
  if (!claimLog.up) troubles.push({ what: LOG_AWAY, since: claimLog.awaySince, why: claimLog.trouble });
  if (!database.up) troubles.push({ what: DATABASE_AWAY, since: database.awaySince, why: database.trouble });
  const unusable = claimLog.topic?.unusable ?? null;
  if (unusable !== null) troubles.push({ what: TOPIC_UNUSABLE, since: null, why: unusable });
  return troubles;
}

export interface Trouble {
  readonly what: Text;
  /** ISO 8601; null when it is not known. */
  readonly since: string | null;
  /** In English, as in the log. */
  readonly why: string | null;
}

const GATE_CLOSED: Text = {
  ko: '게이트가 닫혀 있어 신청을 받지 않습니다. 다시 만들어지면 자동으로 열립니다.',
  en: 'The gate is closed, and no claim is taken. It opens by itself once it has been rebuilt.',
};
const GATE_TROUBLE: Text = { ko: '게이트의 마지막 호출이 실패했습니다.', en: 'The last call of the gate has failed.' };
const REDIS_AWAY: Text = {
  ko: 'Redis가 응답하지 않습니다. 신청을 받을 수 없습니다.',
  en: 'Redis does not answer. No claim can be taken.',
};
const LOG_AWAY: Text = {
  ko: '신청 로그가 응답하지 않습니다. 신청은 데이터베이스에 저장되며, 로그가 돌아오면 쿠폰이 됩니다.',
  en: 'The claim log does not answer. Claims are kept in the database, and become coupons when it is back.',
};
const DATABASE_AWAY: Text = {
  ko: '데이터베이스가 응답하지 않습니다. 신청은 로그에 쌓이며, 돌아오면 쿠폰이 됩니다.',
  en: 'The database does not answer. Claims wait on the log, and become coupons when it is back.',
};
const TOPIC_UNUSABLE: Text = {
  ko: '토픽의 설정으로는 신청을 올릴 수 없습니다.',
  en: 'The settings of the topic allow no claim on it.',
};
