import { type Text } from '../shared/language.ts';
import { type Reason } from './claim-steps.ts';
import { type Phase } from './page-phase.ts';

/** Every sentence that tells a shopper why there is no coupon, by the code of the refusal. */
export const REFUSALS: Readonly<Record<string, Text>> = {
  'campaign-not-found': { ko: '이 쿠폰 행사를 찾을 수 없습니다.', en: 'There is no such coupon drop.' },
  'campaign-not-started': {
    ko: '아직 시작 전입니다. 시작 시각이 되면 버튼이 열립니다.',
    en: 'It has not started yet. The button opens at the start.',
  },
  'campaign-paused': {
    ko: '행사가 잠시 중단되었습니다. 재개되면 이 페이지에 버튼이 나타납니다.',
    en: 'The drop is paused. The button appears on this page once it goes on.',
  },
  'campaign-closed': { ko: '마감되었습니다.', en: 'This drop is closed.' },
  'campaign-ended': { ko: '신청 기간이 끝났습니다.', en: 'The time for claims is over.' },
  'sold-out': { ko: '쿠폰이 모두 소진되었습니다.', en: 'All coupons are gone.' },
  'already-claimed': {
    ko: '이 이름으로 이미 신청했습니다. 쿠폰 코드는 신청한 브라우저에서 볼 수 있습니다.',
    en: 'This name has already claimed. The code can be seen in the browser that claimed it.',
  },
  'entry-required': {
    ko: '이 쿠폰은 참여 확인이 필요한데, 확인을 마치지 못했습니다. 다시 시도해 주세요.',
    en: 'This coupon needs a check before a claim, and it was not completed. Try again.',
  },
  'challenge-failed': {
    ko: '참여 확인을 통과하지 못했습니다. 다시 시도해 주세요.',
    en: 'The check before a claim was not passed. Try again.',
  },
  'challenge-unsupported': {
    ko: '이 쿠폰의 참여 확인은 이 페이지에서 할 수 없습니다. 쇼핑몰의 앱이나 페이지에서 신청해 주세요.',
    en: 'This page cannot do the check that this coupon needs. Claim in the shop’s own app or page.',
  },
  'challenge-needs-https': {
    ko: '이 브라우저에서는 https 주소에서만 참여 확인을 할 수 있습니다.',
    en: 'This browser can do the check before a claim only at an https address.',
  },
  unauthorized: {
    ko: '로그인이 만료되었습니다. 쇼핑몰에서 다시 로그인해 주세요.',
    en: 'Your sign-in has expired. Sign in at the shop again.',
  },
  'not-your-user': {
    ko: '로그인한 회원과 신청하는 회원이 다릅니다. 쇼핑몰에서 다시 열어 주세요.',
    en: 'You are signed in as somebody else. Open this page from the shop again.',
  },
  'user-not-usable': {
    ko: '이 계정으로는 신청할 수 없습니다. 쇼핑몰에 문의해 주세요.',
    en: 'This account cannot claim. Ask the shop.',
  },
  'role-not-allowed': {
    ko: '이 계정으로는 신청할 수 없습니다. 쇼핑몰에 문의해 주세요.',
    en: 'This account cannot claim. Ask the shop.',
  },
  'validation-failed': {
    ko: '이 이름은 쓸 수 없습니다. 다른 이름을 적어 주세요.',
    en: 'This name cannot be used. Write another one.',
  },
  'page-failed': {
    ko: '페이지에 문제가 생겼습니다. 새로 고침해 주세요. 신청은 사라지지 않습니다.',
    en: 'Something went wrong in this page. Reload it; your claim is not lost.',
  },
};

/** For a refusal that no page was told of. {code} and {id} are what support needs. */
export const OTHER_REFUSAL: Text = {
  ko: '지금은 신청할 수 없습니다. ({code})',
  en: 'You cannot claim right now. ({code})',
};

/** Why the page asks again by itself. */
export const REASONS: Readonly<Record<Reason, Text>> = {
  network: {
    ko: '서비스에 연결되지 않습니다. 계속 시도하고 있습니다.',
    en: 'The service cannot be reached. We keep trying for you.',
  },
  offline: {
    ko: '인터넷 연결이 끊겼습니다. 연결되는 대로 이어서 신청합니다.',
    en: 'You are offline. Your claim goes on as soon as the connection is back.',
  },
  paused: {
    ko: '행사가 잠시 중단되었습니다. 재개되면 이어서 신청합니다.',
    en: 'The drop is paused. Your claim goes on once it resumes.',
  },
  busy: { ko: '신청이 몰리고 있습니다. 계속 시도하고 있습니다.', en: 'It is very busy. We keep trying for you.' },
  unavailable: {
    ko: '지금은 신청을 받지 못하고 있습니다. 계속 시도하고 있습니다.',
    en: 'Claims cannot be taken right now. We keep trying for you.',
  },
  unconfirmed: {
    ko: '신청이 접수되었는지 확인하고 있습니다. 두 번 신청되지는 않습니다.',
    en: 'We are checking whether your claim arrived. It cannot count twice.',
  },
  rate: {
    ko: '요청이 많아 잠시 뒤 다시 시도합니다.',
    en: 'Too many requests came from you or your network. We try again in a moment.',
  },
  reserved: {
    ko: '지금은 모두 예약되었습니다. 취소분이 나오면 이어서 신청합니다.',
    en: 'All are reserved right now. Some may come back, and we keep asking for you.',
  },
  starting: { ko: '이제 막 시작합니다.', en: 'It is just starting.' },
};

/** The short word of each phase. */
export const PHASES: Readonly<Record<Phase, Text>> = {
  unknown: { ko: '확인 중', en: 'Loading' },
  missing: { ko: '찾을 수 없음', en: 'Not found' },
  scheduled: { ko: '시작 전', en: 'Not started' },
  open: { ko: '진행 중', en: 'Open now' },
  reserved: { ko: '모두 예약됨', en: 'All reserved' },
  'sold-out': { ko: '소진', en: 'Sold out' },
  paused: { ko: '일시 중지', en: 'Paused' },
  closed: { ko: '마감', en: 'Closed' },
  ended: { ko: '기간 종료', en: 'Ended' },
};

/** What the page says where the button would be, in the phases that have none. */
export const NO_BUTTON: Readonly<Partial<Record<Phase, Text>>> = {
  missing: REFUSALS['campaign-not-found'] as Text,
  'sold-out': {
    ko: '쿠폰이 모두 소진되었습니다. 찾아 주셔서 고맙습니다.',
    en: 'All coupons are gone. Thank you for coming.',
  },
  paused: REFUSALS['campaign-paused'] as Text,
  closed: REFUSALS['campaign-closed'] as Text,
  ended: REFUSALS['campaign-ended'] as Text,
};

export const T = {
  brand: { ko: '선착순 쿠폰', en: 'Coupons, first come, first served' },
  claim: { ko: '쿠폰 받기', en: 'Get the coupon' },
  claimAgain: { ko: '다시 신청하기', en: 'Try again' },
  opensAt: { ko: '{at} 시작', en: 'Starts {at}' },
  opening: { ko: '곧 열립니다', en: 'About to open' },
  tooEarly: { ko: '아직 시작 전입니다.', en: 'Not yet. It has not started.' },
  days: { ko: '일', en: 'days' },
  hours: { ko: '시간', en: 'hours' },
  minutes: { ko: '분', en: 'min' },
  seconds: { ko: '초', en: 'sec' },
  untilStart: { ko: '시작까지 남은 시간', en: 'Time until the start' },
  minuteLeft: { ko: '시작까지 1분 남았습니다.', en: 'One minute until the start.' },
  tenLeft: { ko: '시작까지 10초 남았습니다.', en: 'Ten seconds until the start.' },
  started: { ko: '시작했습니다. 지금 신청할 수 있습니다.', en: 'It has started. You can claim now.' },
  left: { ko: '남은 쿠폰', en: 'Coupons left' },
  ofTotal: { ko: '전체 {total}개', en: 'of {total}' },
  unknownLeft: { ko: '확인 중', en: 'unknown' },
  clock: { ko: '서버 시각 {at} (오차 약 {error}초)', en: 'Server’s time {at} (±{error} s)' },
  clockUnknown: { ko: '서버 시각 확인 중', en: 'Checking the server’s time' },
  endsAt: { ko: '{at}까지', en: 'Until {at}' },
  name: { ko: '신청할 이름(ID)', en: 'Your name (ID)' },
  nameHint: { ko: '영문, 숫자와 . _ - @ + 만, 128자까지', en: 'Letters, digits and . _ - @ + only, up to 128' },
  nameWrong: {
    ko: '영문, 숫자와 . _ - @ + 로 된 이름을 적어 주세요. 한글과 빈칸은 쓸 수 없습니다.',
    en: 'Write a name of letters, digits and . _ - @ + without spaces.',
  },
  asName: { ko: '신청자: {name}', en: 'Claiming as {name}' },
  otherName: { ko: '다른 이름으로', en: 'Use another name' },
  asking: { ko: '신청하고 있습니다', en: 'Claiming' },
  askingMore: { ko: '한 번만 누르면 됩니다. 이 창을 닫지 마세요.', en: 'One press is enough. Keep this page open.' },
  proving: { ko: '사람인지 확인하고 있습니다', en: 'Checking that you are not a robot' },
  entryReady: { ko: '참여 확인을 마쳤습니다', en: 'You are checked and ready' },
  waiting: { ko: '기다리는 중', en: 'Waiting' },
  nextTry: { ko: '{n}초 뒤 다시 시도', en: 'Next try in {n} s' },
  giveUp: { ko: '그만 기다리기', en: 'Stop waiting' },
  number: { ko: '{n}번째', en: 'No. {n}' },
  accepted: { ko: '신청되었습니다', en: 'Your claim is in' },
  acceptedMore: {
    ko: '쿠폰을 발급하고 있습니다. 곧 코드가 나타납니다.',
    en: 'Your coupon is being issued. Its code appears here.',
  },
  issued: { ko: '쿠폰이 발급되었습니다', en: 'Your coupon is here' },
  code: { ko: '쿠폰 코드', en: 'Coupon code' },
  noCode: { ko: '코드는 신청한 브라우저에서 볼 수 있습니다.', en: 'The code is shown in the browser that claimed it.' },
  copy: { ko: '복사', en: 'Copy' },
  copied: { ko: '복사했습니다', en: 'Copied' },
  issuedAt: { ko: '{at} 발급', en: 'Issued {at}' },
  signedOutMore: {
    ko: '신청은 접수되어 있습니다. 쇼핑몰에 로그인하면 코드를 볼 수 있습니다.',
    en: 'Your claim counts. Sign in at the shop to see its code.',
  },
  failed: { ko: '발급을 확인하고 있습니다', en: 'Your coupon needs a closer look' },
  failedMore: {
    ko: '신청은 접수되었고, 담당자가 확인하고 있습니다. 다시 신청하지 않아도 됩니다.',
    en: 'Your claim counts, and an operator is looking into it. You need not claim again.',
  },
  gone: { ko: '신청이 취소되었습니다', en: 'Your claim was cancelled' },
  goneMore: {
    ko: '담당자가 이 신청을 취소했습니다. 쇼핑몰에 문의해 주세요.',
    en: 'An operator cancelled it. Ask the shop.',
  },
  alreadyClaimed: { ko: '이미 신청한 쿠폰입니다', en: 'Already claimed' },
  refused: { ko: '쿠폰을 받지 못했습니다', en: 'No coupon this time' },
  away: {
    ko: '{at}부터 서비스에 연결되지 않습니다. 다시 연결하는 중입니다.',
    en: 'No connection to the service since {at}. Reconnecting.',
  },
  awayFirst: { ko: '서비스에 연결하고 있습니다.', en: 'Connecting to the service.' },
  byShop: {
    ko: '이 쿠폰은 쇼핑몰이 회원을 대신해 신청합니다. 쇼핑몰의 앱이나 페이지에서 신청해 주세요.',
    en: 'The shop claims these coupons for its members. Claim in the shop’s own app or page.',
  },
  signIn: {
    ko: '쇼핑몰에 로그인한 뒤, 쇼핑몰에서 이 페이지를 열어 주세요.',
    en: 'Sign in at the shop, and open this page from there.',
  },
  signInEnds: {
    ko: '로그인이 시작 전후에 만료됩니다. 시작 직전에 쇼핑몰에서 다시 열어 주세요.',
    en: 'Your sign-in ends around the start. Open this page from the shop again just before it.',
  },
  signedIn: { ko: '쇼핑몰 회원으로 신청합니다', en: 'You claim as a member of the shop' },
  outdated: { ko: '서비스가 업데이트되었습니다.', en: 'The service was upgraded.' },
  reload: { ko: '새로 고침', en: 'Reload' },
  listTitle: { ko: '지금 열린 행사', en: 'Open drops' },
  listEmpty: { ko: '열린 쿠폰 행사가 없습니다.', en: 'There is no open coupon drop.' },
  tryIt: { ko: '이 컴퓨터에서 시험 중:', en: 'Running on trial:' },
  console: { ko: '운영 콘솔', en: 'Console' },
  docs: { ko: 'API 문서', en: 'API documentation' },
} as const satisfies Readonly<Record<string, Text>>;
