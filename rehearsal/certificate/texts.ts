import { type PromiseId, type Unjudged } from '../promises.js';
import { type BrokenOff, type Deed } from '../report.js';

export type Language = 'ko' | 'en';

/** Each text of the page, in one language. */
export interface Texts {
  readonly title: string;
  readonly kept: string;
  readonly broken: string;
  readonly keptShort: string;
  readonly brokenShort: string;
  readonly notJudged: string;
  readonly keptSoFar: string;
  readonly brokenOff: Readonly<Record<BrokenOff['during'], (seconds: string) => string>>;
  readonly verdictLine: (users: string, coupons: string, total: string) => string;
  /** Under the verdict, where there was an outage. */
  readonly noAnswerFor: (seconds: string) => string;
  readonly leftWithout: (users: string) => string;
  readonly promises: string;
  readonly promise: string;
  readonly checked: string;
  readonly brokenCount: string;
  readonly result: string;
  readonly promiseNames: Readonly<Record<PromiseId, string>>;
  readonly unjudged: Readonly<Record<Unjudged, string>>;
  readonly examples: string;
  readonly figures: string;
  readonly figureNames: {
    readonly users: string;
    readonly calls: string;
    readonly afterwards: string;
    readonly accepted: string;
    readonly coupons: string;
    readonly seconds: string;
    readonly most: string;
    readonly soldOutAfter: string;
    readonly never: string;
  };
  readonly times: string;
  readonly timeNames: { readonly answer: string; readonly row: string; readonly own: string };
  readonly timesNote: string;
  readonly answers: string;
  readonly answer: string;
  readonly count: string;
  readonly ofTheseAfterwards: string;
  readonly charts: {
    readonly rate: string;
    readonly rateAxis: string;
    readonly latency: string;
    readonly latencyAxis: string;
    readonly stock: string;
    readonly stockAxis: string;
    readonly time: string;
    readonly due: string;
    readonly accepted: string;
    readonly refused: string;
    readonly other: string;
    readonly remaining: string;
    readonly max: string;
    readonly asTable: string;
    readonly noStock: string;
  };
  readonly marks: string;
  readonly deeds: Readonly<Record<Deed, (target: string) => string>>;
  readonly from: string;
  readonly to: string;
  readonly what: string;
  readonly conditions: string;
  readonly conditionNames: {
    readonly started: string;
    readonly command: string;
    readonly seed: string;
    readonly campaign: string;
    readonly made: string;
    readonly service: string;
    readonly rebuilt: string;
    readonly machine: string;
    readonly rehearsal: string;
  };
  readonly yes: string;
  readonly no: string;
  readonly options: string;
}

const en: Texts = {
  title: 'Rehearsal certificate',
  kept: 'Every promise was kept',
  broken: 'A promise was broken',
  keptShort: 'kept',
  brokenShort: 'BROKEN',
  notJudged: 'not judged',
  keptSoFar: 'No promise was broken until then',
  brokenOff: {
    load: (seconds) => `Broken off after ${seconds} s: not all calls were made. This is not a whole rehearsal.`,
    waiting: (seconds) =>
      `Broken off after ${seconds} s: the operator did not wait until every 202 was a coupon. This is not a whole rehearsal.`,
  },
  verdictLine: (users, coupons, total) => `${users} users asked. ${coupons} coupons of ${total} are issued.`,
  noAnswerFor: (seconds) => `For ${seconds} s nobody was told yes or no.`,
  leftWithout: (users) => `People who left with 503 or no answer alone: ${users}.`,
  promises: 'Promises',
  promise: 'promise',
  checked: 'looked at',
  brokenCount: 'broken',
  result: 'result',
  promiseNames: {
    'becomes-coupon': 'Every 202 became a coupon',
    'never-over': 'Never more coupons than the total',
    'nobody-twice': 'No user has two coupons',
    'who-asked': 'Only users who asked have a coupon',
    'nothing-stuck': 'No claim is stuck on its way',
    'no-slot-lost': 'All coupons were issued, as enough users asked',
    'order-kept': 'First come, first served: sequences follow the calls',
    'told-is-stored': 'The coupon is the claim that the caller was told of',
    'refusals-true': 'Refusals were true: sold out, and already claimed',
    'seen-at-once': 'A claim can be seen right after its 202',
    'stock-falls': 'The stock only falls',
    'answers-known': 'Every answer is a documented one',
    'audit-agrees': 'The service’s own audit finds no drift',
  },
  unjudged: {
    'broken-off': 'the rehearsal was broken off',
    'demand-too-low': 'fewer users asked than there are coupons',
    'terms-changed': 'an operator changed the campaign meanwhile',
  },
  examples: 'What was found',
  figures: 'Figures',
  figureNames: {
    users: 'users',
    calls: 'calls',
    afterwards: 'of these, asked afterwards by the rehearsal',
    accepted: 'answers 202, with repeated ones',
    coupons: 'coupons of the campaign',
    seconds: 'first call due to last answer',
    most: 'answers in the busiest second',
    soldOutAfter: 'first “sold out” after',
    never: 'not during the load',
  },
  times: 'Times, in ms',
  timeNames: {
    answer: 'answer, from the moment the call was due',
    row: 'coupon stored, from the claim (service’s clock)',
    own: 'of that, the rehearsal’s own delay',
  },
  timesNote:
    'The time of a call begins when it was due, not when a connection was free. So a service that stands still is slow for everybody who would have come then.',
  answers: 'Answers',
  answer: 'answer',
  count: 'count',
  ofTheseAfterwards: 'of these, afterwards',
  charts: {
    rate: 'Calls due and answers',
    rateAxis: 'per second',
    latency: 'Time to the answer, of the calls that were due then',
    latencyAxis: 'ms, logarithmic',
    stock: 'Coupons left, as the service showed them',
    stockAxis: 'coupons',
    time: 'seconds from the beginning',
    due: 'due',
    accepted: '202 accepted',
    refused: '409 refused',
    other: 'other or none',
    remaining: 'left',
    max: 'slowest',
    asTable: 'The same as a table',
    noStock: 'The load was over before the stock was shown.',
  },
  marks: 'What was done to the service',
  deeds: { killed: (target) => `${target} killed`, frozen: (target) => `${target} frozen` },
  from: 'from',
  to: 'to',
  what: 'what',
  conditions: 'Conditions',
  conditionNames: {
    started: 'begun',
    command: 'command',
    seed: 'seed',
    campaign: 'campaign',
    made: 'made for this rehearsal',
    service: 'service',
    rebuilt: 'gate rebuilt meanwhile',
    machine: 'machine',
    rehearsal: 'rehearsal runs on',
  },
  yes: 'yes',
  no: 'no',
  options: 'options',
};

const ko: Texts = {
  title: '리허설 인증서',
  kept: '모든 약속이 지켜졌습니다',
  broken: '지켜지지 않은 약속이 있습니다',
  keptShort: '지킴',
  brokenShort: '어김',
  notJudged: '판정 안 함',
  keptSoFar: '그때까지 어긋난 약속이 없습니다',
  brokenOff: {
    load: (seconds) => `${seconds}초 만에 중단됨: 호출을 끝까지 하지 않았습니다. 완전한 리허설이 아닙니다.`,
    waiting: (seconds) =>
      `${seconds}초 만에 중단됨: 모든 202가 쿠폰이 될 때까지 기다리지 않았습니다. 완전한 리허설이 아닙니다.`,
  },
  verdictLine: (users, coupons, total) =>
    `사용자 ${users}명이 신청했고, 쿠폰 ${total}장 중 ${coupons}장이 발급되었습니다.`,
  noAnswerFor: (seconds) => `${seconds}초 동안 아무도 당락을 듣지 못했습니다.`,
  leftWithout: (users) => `503만 받거나 응답을 받지 못한 채 떠난 사용자: ${users}명.`,
  promises: '약속',
  promise: '약속',
  checked: '확인',
  brokenCount: '어긋남',
  result: '결과',
  promiseNames: {
    'becomes-coupon': '202를 받은 신청은 모두 쿠폰이 되었다',
    'never-over': '총수량을 넘겨 발급하지 않았다',
    'nobody-twice': '한 사용자가 두 장을 받지 않았다',
    'who-asked': '신청한 사용자만 쿠폰을 받았다',
    'nothing-stuck': '중간에 멈춘 신청이 없다',
    'no-slot-lost': '신청자가 충분했고, 모든 쿠폰이 발급되었다',
    'order-kept': '선착순: 순번이 신청 순서를 따른다',
    'told-is-stored': '쿠폰은 신청자가 안내받은 그 신청이다',
    'refusals-true': '거절은 사실이었다: 소진, 이미 신청함',
    'seen-at-once': '202 직후에 신청을 조회할 수 있다',
    'stock-falls': '남은 수량은 줄기만 했다',
    'answers-known': '모든 응답이 문서에 있는 응답이다',
    'audit-agrees': '서비스의 자체 검증에서 어긋남이 없다',
  },
  unjudged: {
    'broken-off': '리허설이 중단됨',
    'demand-too-low': '신청자가 쿠폰보다 적음',
    'terms-changed': '도중에 운영자가 캠페인을 변경함',
  },
  examples: '발견한 내용',
  figures: '수치',
  figureNames: {
    users: '사용자',
    calls: '호출',
    afterwards: '그중 리허설이 나중에 확인한 호출',
    accepted: '202 응답 (반복 포함)',
    coupons: '캠페인의 쿠폰',
    seconds: '첫 호출 예정 시각부터 마지막 응답까지',
    most: '가장 바쁜 1초의 응답 수',
    soldOutAfter: '첫 “소진” 응답까지',
    never: '부하 중에는 없음',
  },
  times: '시간 (ms)',
  timeNames: {
    answer: '응답까지, 호출 예정 시각부터',
    row: '쿠폰 저장까지, 신청부터 (서비스의 시계)',
    own: '그중 리허설 자체의 지연',
  },
  timesNote:
    '호출 시간은 연결이 빈 때가 아니라 호출하기로 한 때부터 잽니다. 서비스가 멈추면 그때 올 사람 모두에게 느린 것으로 셉니다.',
  answers: '응답',
  answer: '응답',
  count: '횟수',
  ofTheseAfterwards: '그중 나중에',
  charts: {
    rate: '예정된 호출과 응답',
    rateAxis: '초당 횟수',
    latency: '그때 예정된 호출의 응답 시간',
    latencyAxis: 'ms, 로그 눈금',
    stock: '서비스가 표시한 남은 쿠폰',
    stockAxis: '쿠폰 수',
    time: '시작부터 경과 시간 (초)',
    due: '예정',
    accepted: '202 접수',
    refused: '409 거절',
    other: '기타·무응답',
    remaining: '남음',
    max: '최대',
    asTable: '표로 보기',
    noStock: '남은 수량이 표시되기 전에 부하가 끝났습니다.',
  },
  marks: '서비스에 가한 장애',
  deeds: { killed: (target) => `${target} 강제 종료`, frozen: (target) => `${target} 정지` },
  from: '시작',
  to: '끝',
  what: '내용',
  conditions: '조건',
  conditionNames: {
    started: '시작 시각',
    command: '명령',
    seed: '시드',
    campaign: '캠페인',
    made: '이 리허설을 위해 만듦',
    service: '서비스',
    rebuilt: '도중에 게이트가 재구축됨',
    machine: '기계',
    rehearsal: '리허설 실행 환경',
  },
  yes: '예',
  no: '아니요',
  options: '옵션',
};

export const TEXTS: Readonly<Record<Language, Texts>> = { ko, en };
