import { describe, expect, it } from '@jest/globals';
import { duration } from './instants.ts';
import { copiedAnswer, type FoundCampaign, tellStory } from './story.ts';

const found = (over: Partial<FoundCampaign>): FoundCampaign => ({
  campaignId: 'noon',
  name: '정오',
  soldOutAt: null,
  claim: null,
  refusals: [],
  ...over,
});
const refusal = (code: string, refusedAt: string, afterSoldOutMs?: number): FoundCampaign['refusals'][number] => ({
  code,
  refusedAt,
  requestId: 'r1',
  ...(afterSoldOutMs === undefined ? {} : { afterSoldOutMs }),
});
const SOLD_OUT_AT = '2026-12-01T03:00:00.000Z';
const claim = (status: 'ISSUED' | 'PENDING' | 'FAILED' | 'DISCARDED') => ({
  status,
  sequence: 1_234,
  claimedAt: '2026-12-01T03:00:00.184Z',
  ...(status === 'ISSUED' ? { issuedAt: '2026-12-01T03:00:00.310Z' } : {}),
});

const ko = (story: Partial<FoundCampaign>, gateAnswered = true) =>
  tellStory(found(story), gateAnswered, 'ko', 'Asia/Seoul');
const en = (story: Partial<FoundCampaign>, gateAnswered = true) =>
  tellStory(found(story), gateAnswered, 'en', 'Asia/Seoul');

describe('the story of who got nothing', () => {
  it('says how much later than the last coupon the call was', () => {
    const late = { soldOutAt: SOLD_OUT_AT, refusals: [refusal('sold-out', '2026-12-01T03:00:00.184Z', 184)] };
    expect(ko(late)).toMatchObject({
      verdict: 'refused',
      answer: '고객님께서는 12:00:00.184에 신청하셨으나, 쿠폰이 모두 소진된 뒤였습니다(마지막 쿠폰과의 차이 184 ms).',
      day: '2026년 12월 1일',
      hasDistance: true,
    });
    expect(en(late).answer).toBe('Pressed at 12:00:00.184, 184 ms after the last coupon had gone.');
    expect(en(late).steps).toEqual([
      { at: SOLD_OUT_AT, time: '12:00:00.000', words: 'The last coupon went.' },
      {
        at: '2026-12-01T03:00:00.184Z',
        time: '12:00:00.184',
        words: 'Pressed 184 ms after the last coupon had gone.',
        requestId: 'r1',
      },
    ]);
  });

  it.each([
    [undefined, 'Pressed at 12:00:00.184, when no coupon was left: earlier claims had them all.'],
    [0, 'Pressed at 12:00:00.184, in the same millisecond as the last coupon, which had gone to an earlier call.'],
    [
      -2_450,
      'Pressed at 12:00:00.184, when no coupon was left. Some came free or were added since; the last of them went 2.4 s later.',
    ],
  ])('does not lie where the last coupon went %s ms before', (afterSoldOutMs, answer) => {
    const refusals = [refusal('sold-out', '2026-12-01T03:00:00.184Z', afterSoldOutMs)];
    const story = en({ refusals });
    expect(story.answer).toBe(answer);
    expect(story.hasDistance).toBe(afterSoldOutMs !== undefined);
  });

  it('takes sold-out for the reason, and tells of the early press as a step', () => {
    const refusals = [
      refusal('campaign-closed', '2026-12-01T04:00:00.000Z'),
      refusal('sold-out', '2026-12-01T03:00:00.184Z', 184),
      refusal('campaign-not-started', '2026-12-01T02:59:59.900Z'),
    ];
    const story = en({ soldOutAt: SOLD_OUT_AT, refusals });
    expect(story.answer).toContain('184 ms after the last coupon');
    expect(story.steps.map(({ time }) => time)).toEqual([
      '11:59:59.900',
      '12:00:00.000',
      '12:00:00.184',
      '13:00:00.000',
    ]);
  });

  it.each(['campaign-not-started', 'campaign-paused', 'campaign-closed', 'campaign-ended', 'issuer-unavailable'])(
    'has words for %s in both languages',
    (code) => {
      const refusals = [refusal(code, '2026-12-01T03:00:00.184Z')];
      for (const told of [ko({ refusals }), en({ refusals })]) {
        expect(told.answer).toContain('12:00:00.184');
        expect(told.answer).not.toContain(code);
        expect(told.steps[0]?.words).toMatch(/^(신청하셨|Pressed) ?(?!.*(12:00|\{))/);
      }
    },
  );

  it('names a refusal of a newer service by its code', () => {
    expect(en({ refusals: [refusal('too-young', '2026-12-01T03:00:00.184Z')] }).answer).toBe(
      'Pressed at 12:00:00.184, and was refused: too-young.',
    );
  });
});

describe('the story of a call whose answer was in doubt', () => {
  const refusals = [refusal('claim-unconfirmed', '2026-12-01T03:00:00.184Z')];

  it('says that it did not count, once the gate has said so', () => {
    expect(en({ refusals })).toMatchObject({ verdict: 'refused' });
    expect(en({ refusals }).answer).toMatch(/Looked up now: that call did not count\.$/);
  });

  it('does not say so while the gate does not answer', () => {
    expect(en({ refusals }, false)).toMatchObject({ verdict: 'in-doubt' });
    expect(en({ refusals }, false).answer).toMatch(/not known yet/);
    const late = [refusal('sold-out', '2026-12-01T03:00:00.184Z', 184)];
    expect(en({ refusals: late }, false)).toMatchObject({ verdict: 'in-doubt' });
  });

  it('says what was got, once it has counted', () => {
    expect(en({ refusals, claim: claim('ISSUED') })).toMatchObject({ verdict: 'issued' });
  });
});

describe('the story of a claim', () => {
  it('says as which number, and how long the coupon took', () => {
    const story = en({ claim: claim('ISSUED') });
    expect(story.answer).toBe('Pressed at 12:00:00.184 as number 1,234 in line, and got a coupon.');
    expect(story.steps.map(({ words }) => words)).toEqual([
      'The claim was taken, as number 1,234 in line.',
      'The coupon was issued, 126 ms after the claim.',
    ]);
    expect(ko({ claim: claim('ISSUED') }).answer).toBe(
      '고객님께서는 12:00:00.184에 신청하셨고, 1,234번으로 접수되어 쿠폰이 발급되었습니다.',
    );
  });

  it.each(['PENDING', 'FAILED', 'DISCARDED'] as const)('does not say of %s that there is a coupon', (status) => {
    const story = en({ claim: claim(status) });
    expect(story.verdict).toBe(status.toLowerCase());
    expect(story.answer).not.toContain('got a coupon');
  });

  it('promises no coupon where an operator decides', () => {
    const failed = { claim: claim('FAILED') };
    expect(en(failed).answer).toMatch(/An operator looks at it and decides\.$/);
    expect(ko(failed).answer).toMatch(/담당자가 확인하고 처리를 결정합니다\.$/);
  });

  it('is copied with the campaign and the time zone, because it stands alone there', () => {
    const won = found({ claim: claim('ISSUED') });
    const copied = (language: 'ko' | 'en') =>
      copiedAnswer(won, tellStory(won, true, language, 'Asia/Seoul'), 'Asia/Seoul');
    expect(copied('en')).toBe(
      '정오, December 1, 2026 (Asia/Seoul): Pressed at 12:00:00.184 as number 1,234 in line, and got a coupon.',
    );
    expect(copied('ko')).toMatch(/^정오, 2026년 12월 1일 \(Asia\/Seoul\): 고객님께서는 12:00:00\.184에/);
  });

  it('writes the day beside each instant where it took more than one day', () => {
    const refusals = [refusal('campaign-not-started', '2026-11-30T03:00:00.000Z')];
    const story = en({ claim: claim('PENDING'), refusals });
    expect(story.day).toBeNull();
    expect(story.steps.map(({ time }) => time)).toEqual(['Nov 30 12:00:00.000', 'Dec 1 12:00:00.184']);
  });
});

it.each([
  [0, '0 ms', '0 ms'],
  [999, '999 ms', '999 ms'],
  [2_450, '2.4 s', '2.4초'],
  [185_000, '3 min 5 s', '3분 5초'],
  [7_380_000, '2 h 3 min', '2시간 3분'],
  [367_200_000, '4 d 6 h', '4일 6시간'],
  [60_000, '1 min', '1분'],
])('%i ms is %s', (ms, inEnglish, inKorean) => {
  expect([duration(ms, 'en'), duration(ms, 'ko')]).toEqual([inEnglish, inKorean]);
});
