import { type Text } from '../../shared/language.ts';

/** What is wrong, in words, and what to do about it. */
export interface Words {
  readonly what: Text;
  readonly todo: Text;
  /** A heading of docs/operations.md. */
  readonly runbook: string;
  /** Claims are taken and become coupons all the same, or most of them. */
  readonly isWarning?: boolean;
  /** A page of the console. */
  readonly link?: string;
}

const SAFE: Text = { ko: '202로 답한 신청은 안전합니다.', en: 'What was answered 202 is safe.' };
const safe = ({ ko, en }: Text): Text => ({ ko: `${ko} ${SAFE.ko}`, en: `${en} ${SAFE.en}` });

export const DISK_FULL: Words = {
  what: safe({ ko: '디스크가 가득 차서 신청을 받지 못합니다.', en: 'The disk is full: no claim is taken.' }),
  todo: { ko: '공간을 만드세요. 그러면 저절로 다시 시작합니다.', en: 'Make room; it goes on by itself.' },
  runbook: 'coupondisklow',
};
export const DISK_FAILS: Words = {
  what: safe({
    ko: '서비스의 파일에 쓸 수 없어 신청을 받지 못합니다.',
    en: 'The files of the service cannot be written: no claim is taken.',
  }),
  todo: {
    ko: '디스크가 가득 찼는지, 읽기 전용인지, 고장인지 확인하세요.',
    en: 'Look whether the disk is full, read-only or broken.',
  },
  runbook: 'claims-are-answered-503',
};
export const NOTHING_KEEPS: Words = {
  what: safe({
    ko: '신청 로그(Kafka)도 데이터베이스도 쓸 수 없어 신청을 받지 못합니다.',
    en: 'Neither claim log (Kafka) nor database: no claim is taken.',
  }),
  todo: { ko: '둘 중 하나를 되살리세요.', en: 'Bring back either one.' },
  runbook: 'claims-are-answered-503',
};
export const REDIS_AWAY: Words = {
  what: safe({
    ko: 'Redis가 응답하지 않아 신청을 받지 못합니다.',
    en: 'Redis does not answer: no claim is taken.',
  }),
  todo: {
    ko: 'Redis와 그 네트워크를 되살리세요.',
    en: 'Bring back Redis, or the network to it.',
  },
  runbook: 'claims-are-answered-503',
};
export const GATE_CLOSED: Words = {
  what: safe({
    ko: '게이트가 닫혀 있어 신청을 받지 못합니다. 다시 만들어지면 저절로 열립니다.',
    en: 'The gate is closed: no claim is taken. It opens by itself once it has been rebuilt.',
  }),
  todo: {
    ko: '1분이 지나도 열리지 않으면 운영 문서를 따르세요.',
    en: 'If it is not open after a minute, follow the runbook.',
  },
  runbook: 'coupongatefenced',
};
export const GATE_UNKNOWN: Words = {
  what: {
    ko: '어느 게이트가 열려 있는지 데이터베이스가 아직 알려 주지 않아, 이 프로세스는 신청을 받지 못합니다.',
    en: 'The database has not said yet which gate is open: this process takes no claim.',
  },
  todo: {
    ko: '데이터베이스와 그 네트워크를 확인하세요.',
    en: 'Look at the database, and the network to it.',
  },
  runbook: 'couponnoapiready',
};
export const GATE_REFUSES: Words = {
  what: safe({
    ko: '게이트가 거부하거나 응답하지 않아 신청을 받지 못합니다.',
    en: 'No claim can be taken: the gate refuses or is away.',
  }),
  todo: {
    ko: '아래 원인이 무엇을 뜻하는지 운영 문서의 표에서 찾으세요.',
    en: 'The table of the runbook says what to do about this cause.',
  },
  runbook: 'claims-are-answered-503',
};

const LOG_TODO: Text = { ko: 'Kafka와 그 네트워크를 되살리세요.', en: 'Bring back Kafka, or the network to it.' };
const DATABASE_TODO: Text = {
  ko: '데이터베이스와 그 네트워크를 되살리세요.',
  en: 'Bring back the database, or the network to it.',
};
export const LOG_AWAY: Words = {
  what: {
    ko: '신청 로그(Kafka)를 쓸 수 없습니다. 신청은 데이터베이스에 저장되며, 로그가 돌아오면 쿠폰이 됩니다.',
    en: 'The claim log (Kafka) cannot be used. Claims are kept in the database, and become coupons when it is back.',
  },
  todo: LOG_TODO,
  runbook: 'coupondependencydown',
};
export const LOG_AWAY_TOO: Words = {
  what: { ko: '신청 로그(Kafka)를 쓸 수 없습니다.', en: 'The claim log (Kafka) cannot be used.' },
  todo: LOG_TODO,
  runbook: 'coupondependencydown',
};
export const DATABASE_AWAY: Words = {
  what: {
    ko: '데이터베이스를 쓸 수 없습니다. 신청은 신청 로그에 쌓이며, 데이터베이스가 돌아오면 쿠폰이 됩니다.',
    en: 'The database cannot be used. Claims wait on the claim log, and become coupons when it is back.',
  },
  todo: DATABASE_TODO,
  runbook: 'coupondependencydown',
};
export const DATABASE_AWAY_TOO: Words = {
  what: { ko: '데이터베이스를 쓸 수 없습니다.', en: 'The database cannot be used.' },
  todo: DATABASE_TODO,
  runbook: 'coupondependencydown',
};
export const TOPIC_UNUSABLE: Words = {
  what: {
    ko: '토픽의 설정 때문에 신청 로그(Kafka)에 신청을 올릴 수 없습니다.',
    en: 'The settings of the topic allow no claim on the claim log (Kafka).',
  },
  todo: { ko: '토픽의 설정을 고치세요.', en: 'Correct the settings of the topic.' },
  runbook: 'what-is-checked-of-them',
};

export const NOT_SEEN: Words = {
  what: {
    ko: '다른 프로세스를 지금 알 수 없습니다. 신청이 쿠폰이 되고 있는지도 알 수 없습니다.',
    en: 'Other processes cannot be seen now: whether claims become coupons is not known.',
  },
  todo: {
    ko: '각 프로세스의 /health/ready를 확인하세요.',
    en: 'Ask each process for /health/ready.',
  },
  runbook: 'first-look',
  isWarning: true,
};
export const ROLES: readonly (readonly [
  'api' | 'consumer' | 'retry',
  { readonly missing: Words; readonly waiting: Words },
])[] = [
  [
    'api',
    {
      missing: {
        what: {
          ko: 'api 역할의 프로세스가 없어 신청을 받지 못합니다.',
          en: 'No process has the role api: no claim is taken.',
        },
        todo: { ko: 'api 역할의 프로세스를 시작하세요.', en: 'Start a process with the role api.' },
        runbook: 'couponnoapiready',
      },
      waiting: {
        what: { ko: '신청을 받지 못하는 api가 있습니다: {who}.', en: 'An api takes no claims: {who}.' },
        todo: {
          ko: '그 프로세스의 로그와 /health/ready를 확인하세요.',
          en: 'Look at the log and /health/ready of that process.',
        },
        runbook: 'couponnoapiready',
      },
    },
  ],
  [
    'consumer',
    {
      missing: {
        what: {
          ko: 'consumer 역할의 프로세스가 없습니다. 신청은 쌓이기만 하고 쿠폰이 되지 않습니다.',
          en: 'No process has the role consumer: claims wait, and none becomes a coupon.',
        },
        todo: { ko: 'consumer 역할의 프로세스를 시작하세요.', en: 'Start a process with the role consumer.' },
        runbook: 'couponnoconsumerready',
      },
      waiting: {
        what: { ko: '일하지 못하는 consumer가 있습니다: {who}.', en: 'A consumer cannot work: {who}.' },
        todo: {
          ko: '그 프로세스에서 신청 로그와 데이터베이스로 가는 네트워크를 확인하세요.',
          en: 'Look at the network from that process to claim log and database.',
        },
        runbook: 'couponnoconsumerready',
      },
    },
  ],
  [
    'retry',
    {
      missing: {
        what: {
          ko: 'retry 역할의 프로세스가 없습니다. 실패 이벤트와 잃어버린 신청이 쿠폰이 되지 않습니다.',
          en: 'No process has the role retry: failed events and lost claims do not become coupons.',
        },
        todo: { ko: 'retry 역할의 프로세스를 시작하세요.', en: 'Start a process with the role retry.' },
        runbook: 'couponnoretryready',
        isWarning: true,
      },
      waiting: {
        what: { ko: '일하지 못하는 retry가 있습니다: {who}.', en: 'A retry cannot work: {who}.' },
        todo: {
          ko: '그 프로세스에서 데이터베이스로 가는 네트워크를 확인하세요.',
          en: 'Look at the network from that process to the database.',
        },
        runbook: 'couponnoretryready',
      },
    },
  ],
];

export const FOREIGN: Words = {
  what: {
    ko: '파티션 {n}개가 다른 설치의 신청 앞에 멈춰 있습니다. 그 뒤의 신청은 쿠폰이 되지 않습니다.',
    en: 'Partitions that stand before claims of another installation: {n}. Claims behind these do not become coupons.',
  },
  todo: { ko: '두 설치의 토픽을 나누세요.', en: 'Give each installation a topic of its own.' },
  runbook: 'couponforeignclaims',
};
export const STANDS: Words = {
  what: {
    ko: '신청이 기다리는데 처리되지 않는 파티션이 있습니다. 그 신청은 쿠폰이 되지 않습니다.',
    en: 'Claims of a partition wait and none is settled: they do not become coupons.',
  },
  todo: { ko: '컨슈머의 로그를 확인하세요.', en: 'Look at the log of the consumers.' },
  runbook: 'couponconsumerlagging',
};
export const DEAD: Words = {
  what: {
    ko: '사람이 결정해야 하는 실패 이벤트가 {n}건 있습니다. 저절로 쿠폰이 되지 않습니다.',
    en: 'Failed events that need you: {n}. They do not become coupons by themselves.',
  },
  todo: { ko: '다시 시도하거나 폐기하세요.', en: 'Requeue or discard them.' },
  runbook: 'couponfailedeventsdead',
  isWarning: true,
  link: '/failed-events?status=DEAD',
};
export const DISK_LOW: Words = {
  what: {
    ko: '디스크가 거의 찼습니다. 가득 차면 신청을 받지 못합니다.',
    en: 'The disk is nearly full. Once it is full, no claim is taken.',
  },
  todo: { ko: '공간을 만드세요.', en: 'Make room.' },
  runbook: 'coupondisklow',
  isWarning: true,
};
