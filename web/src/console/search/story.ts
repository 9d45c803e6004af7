import { type Schemas } from '../../api/client.ts';
import { type Language, type Text } from '../../shared/language.ts';
import { duration, type StoryClock, storyClock } from './instants.ts';

export type FoundCampaign = Schemas['SearchResult']['users'][number]['campaigns'][number];
type Refusal = FoundCampaign['refusals'][number];

/** What became of the user in one campaign. */
export type Verdict = 'issued' | 'pending' | 'failed' | 'discarded' | 'refused' | 'in-doubt';

/** One thing that happened, in words that can be read out to the customer. */
export interface Step {
  /** ISO 8601. */
  readonly at: string;
  readonly time: string;
  readonly words: string;
  /** The id of the call, for whoever looks into the log lines. */
  readonly requestId?: string;
}

export interface Story {
  readonly verdict: Verdict;
  /** The answer to "why did I get nothing?", or what was got: one or two sentences. */
  readonly answer: string;
  /** What happened, the earliest first. */
  readonly steps: readonly Step[];
  /** The day of all steps; null when they have several. */
  readonly day: string | null;
  /** Does it say how far a refusal was from the last coupon? */
  readonly hasDistance: boolean;
}

const ISSUED: Text = {
  ko: '고객님께서는 {at}에 신청하셨고, {n}번으로 접수되어 쿠폰이 발급되었습니다.',
  en: 'Pressed at {at} as number {n} in line, and got a coupon.',
};
const PENDING: Text = {
  ko: '고객님께서는 {at}에 신청하셨고, {n}번으로 접수되었습니다. 쿠폰은 곧 자동으로 발급됩니다.',
  en: 'Pressed at {at} as number {n} in line. The coupon follows by itself.',
};
const FAILED: Text = {
  ko: '고객님께서는 {at}에 신청하셨고, {n}번으로 접수되었으나 쿠폰을 저장하지 못했습니다. 담당자가 확인하고 처리를 결정합니다.',
  en: 'Pressed at {at} as number {n} in line, but the coupon could not be stored. An operator looks at it and decides.',
};
const DISCARDED: Text = {
  ko: '고객님께서는 {at}에 신청하셨고, {n}번으로 접수되었으나 담당자가 이 신청을 폐기했습니다. 캠페인이 열려 있는 동안에는 다시 신청하실 수 있습니다.',
  en: 'Pressed at {at} as number {n} in line, but an operator has discarded the claim. While the campaign is open, the customer may claim again.',
};

const SOLD_OUT: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, 쿠폰이 모두 소진된 뒤였습니다(마지막 쿠폰과의 차이 {by}).',
  en: 'Pressed at {at}, {by} after the last coupon had gone.',
};
const SOLD_OUT_TOGETHER: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, 같은 밀리초에 앞선 신청으로 쿠폰이 모두 소진되었습니다.',
  en: 'Pressed at {at}, in the same millisecond as the last coupon, which had gone to an earlier call.',
};
const SOLD_OUT_BEFORE: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, 그때는 남은 쿠폰이 없었습니다. 그 뒤에 다시 나오거나 추가된 쿠폰도 {by} 뒤에 모두 소진되었습니다.',
  en: 'Pressed at {at}, when no coupon was left. Some came free or were added since; the last of them went {by} later.',
};
const ALL_TAKEN: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, 그때는 앞선 신청으로 남은 쿠폰이 없었습니다.',
  en: 'Pressed at {at}, when no coupon was left: earlier claims had them all.',
};

/** What is said of each other refusal. */
const REFUSED: Readonly<Record<string, Text>> = {
  'campaign-not-started': {
    ko: '고객님께서는 {at}에 신청하셨으나, 아직 시작 전이었습니다.',
    en: 'Pressed at {at}, before the campaign had started.',
  },
  'campaign-paused': {
    ko: '고객님께서는 {at}에 신청하셨으나, 캠페인이 잠시 중지된 동안이었습니다.',
    en: 'Pressed at {at}, while the campaign was paused.',
  },
  'campaign-closed': {
    ko: '고객님께서는 {at}에 신청하셨으나, 캠페인이 마감된 뒤였습니다.',
    en: 'Pressed at {at}, after the campaign had been closed.',
  },
  'campaign-ended': {
    ko: '고객님께서는 {at}에 신청하셨으나, 신청 기간이 끝난 뒤였습니다.',
    en: 'Pressed at {at}, after the campaign had ended.',
  },
  'issuer-unavailable': {
    ko: '고객님께서는 {at}에 신청하셨으나, 그때는 서비스가 신청을 받을 수 없어 접수되지 않았습니다.',
    en: 'Pressed at {at}, when the service could take no claims. This call did not count.',
  },
};
const OTHER: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, {code}(으)로 거절되었습니다.',
  en: 'Pressed at {at}, and was refused: {code}.',
};

const UNCONFIRMED: Text = {
  ko: '고객님께서는 {at}에 신청하셨으나, 서비스가 결과를 제때 확인하지 못해 "다시 시도"를 안내했습니다.',
  en: 'Pressed at {at}. The service could not confirm the result in time, and asked to try again.',
};
const DID_NOT_COUNT: Text = {
  ko: ' 지금 확인한 결과 이 신청은 접수되지 않았습니다.',
  en: ' Looked up now: that call did not count.',
};
const NOT_KNOWN_YET: Text = {
  ko: ' 발급 게이트가 응답하지 않아 접수되었는지 아직 알 수 없습니다. 잠시 후 다시 검색해 주세요.',
  en: ' The gate does not answer, so it is not known yet whether that call counted. Search again in a moment.',
};

const LAST_COUPON: Text = { ko: '마지막 쿠폰이 소진되었습니다.', en: 'The last coupon went.' };
const CLAIMED: Text = { ko: '{n}번으로 접수되었습니다.', en: 'The claim was taken, as number {n} in line.' };
const STORED: Text = {
  ko: '쿠폰이 발급되었습니다(접수 후 {by}).',
  en: 'The coupon was issued, {by} after the claim.',
};

const CLAIM_ANSWERS = { ISSUED, PENDING, FAILED, DISCARDED } as const;
const VERDICTS = { ISSUED: 'issued', PENDING: 'pending', FAILED: 'failed', DISCARDED: 'discarded' } as const;

/**
 * Tells what happened to a user in one campaign. Instants are those of the gate's clock; a difference of a few
 * milliseconds between a refusal and the last coupon is within what two calls to the gate take.
 *
 * @param gateAnswered false: a claim that is not stored yet may be missing.
 */
export function tellStory(found: FoundCampaign, gateAnswered: boolean, language: Language, zone: string): Story {
  const { claim, refusals, soldOutAt } = found;
  const instants = [
    ...(claim === null ? [] : [claim.claimedAt, ...(claim.issuedAt === undefined ? [] : [claim.issuedAt])]),
    ...refusals.map(({ refusedAt }) => refusedAt),
    // Where nothing but the last coupon is told of another day, it is left out of the heading.
    ...(soldOutAt === null ? [] : [soldOutAt]),
  ];
  const clock = storyClock(instants, language, zone);
  const say = (of: Text, parts: Readonly<Record<string, string>> = {}) => fill(of[language], parts);
  const steps: Step[] = refusals.map((refusal) => ({
    at: refusal.refusedAt,
    time: clock.at(refusal.refusedAt),
    words: wordsOf(refusal, null, language),
    requestId: refusal.requestId,
  }));
  if (claim !== null) {
    const { claimedAt, issuedAt } = claim;
    steps.push({ at: claimedAt, time: clock.at(claimedAt), words: say(CLAIMED, numberOf(claim.sequence, language)) });
    if (issuedAt !== undefined) {
      const by = duration(Math.max(0, Date.parse(issuedAt) - Date.parse(claimedAt)), language);
      steps.push({ at: issuedAt, time: clock.at(issuedAt), words: say(STORED, { by }) });
    }
  }
  if (soldOutAt !== null) steps.push({ at: soldOutAt, time: clock.at(soldOutAt), words: say(LAST_COUPON) });
  steps.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const hasDistance = refusals.some(({ afterSoldOutMs }) => afterSoldOutMs !== undefined);
  const told = { steps, day: clock.day, hasDistance };

  if (claim !== null) {
    const parts = { at: clock.at(claim.claimedAt), ...numberOf(claim.sequence, language) };
    return { ...told, verdict: VERDICTS[claim.status], answer: say(CLAIM_ANSWERS[claim.status], parts) };
  }
  const decisive = decisiveOf(refusals);
  if (decisive === undefined) return { ...told, verdict: 'in-doubt', answer: say(NOT_KNOWN_YET).trim() };
  const isOpen = decisive.code === 'claim-unconfirmed' || !gateAnswered;
  const rest = !gateAnswered ? NOT_KNOWN_YET : decisive.code === 'claim-unconfirmed' ? DID_NOT_COUNT : null;
  return {
    ...told,
    verdict: isOpen && !gateAnswered ? 'in-doubt' : 'refused',
    answer: `${wordsOf(decisive, clock, language)}${rest === null ? '' : say(rest)}`,
  };
}

/** That nothing was left is the last word; otherwise the newest refusal says what was the matter in the end. */
function decisiveOf(refusals: readonly Refusal[]): Refusal | undefined {
  const newest = [...refusals].sort((one, other) => Date.parse(other.refusedAt) - Date.parse(one.refusedAt));
  return newest.find(({ code }) => code === 'sold-out') ?? newest[0];
}

/** @param clock null: the instant stands beside the words. */
function wordsOf({ code, refusedAt, afterSoldOutMs }: Refusal, clock: StoryClock | null, language: Language): string {
  const say = (of: Text, by = ''): string =>
    clock === null
      ? fill(of[language].replace(/고객님께서는 \{at\}에 | at \{at\},?/, ''), { by, code })
      : fill(of[language], { at: clock.at(refusedAt), by, code });
  if (code === 'claim-unconfirmed') return say(UNCONFIRMED);
  if (code !== 'sold-out') return say(REFUSED[code] ?? OTHER);
  if (afterSoldOutMs === undefined) return say(ALL_TAKEN);
  if (afterSoldOutMs === 0) return say(SOLD_OUT_TOGETHER);
  const by = duration(Math.abs(afterSoldOutMs), language);
  return say(afterSoldOutMs > 0 ? SOLD_OUT : SOLD_OUT_BEFORE, by);
}

/** What support pastes into an answer: it stands alone there, so it names the campaign, the day and the zone. */
export function copiedAnswer({ name }: FoundCampaign, { day, answer }: Story, zone: string): string {
  return `${name}, ${day === null ? '' : `${day} `}(${zone}): ${answer}`;
}

function numberOf(sequence: number, language: Language): { n: string } {
  return { n: sequence.toLocaleString(language === 'ko' ? 'ko-KR' : 'en-US') };
}

function fill(template: string, parts: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => parts[name] ?? whole);
}
