import { language, locale, number, type Text, text } from '../../shared/language.ts';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import { duration } from '../search/instants.ts';
import { Partitions } from './Partitions.tsx';
import { type FactPair, Facts, Panel } from './Panel.tsx';
import { bytes, diskState, serverState, type System } from './words.ts';

const REDIS: Text = { ko: 'Redis', en: 'Redis' };
const KAFKA: Text = { ko: '신청 로그 (Kafka)', en: 'Claim log (Kafka)' };
const JOURNAL: Text = { ko: '신청 로그 (저널 파일)', en: 'Claim log (journal, a file)' };
const DATABASE: Text = { ko: '데이터베이스', en: 'Database' };
const DISK: Text = { ko: '디스크', en: 'Disk' };

const VERSION: Text = { ko: '버전', en: 'Version' };
const ANSWERS_IN: Text = { ko: '응답 시간', en: 'Answers in' };
const ROLE: Text = { ko: '역할', en: 'Role' };
const UPTIME: Text = { ko: '가동 시간', en: 'Up for' };
const MEMORY: Text = { ko: '메모리', en: 'Memory' };
const OF_LIMIT: Text = { ko: '{used} / {max}', en: '{used} of {max}' };
const NO_LIMIT: Text = { ko: '{used}, 제한 없음', en: '{used}, no limit' };
const EVICTION: Text = { ko: '제거 정책', en: 'Eviction' };
const APPEND_ONLY: Text = { ko: 'AOF', en: 'Append-only file' };
const ON: Text = { ko: '켜짐', en: 'on' };
const OFF: Text = { ko: '꺼짐', en: 'off' };
const CLIENTS: Text = { ko: '연결', en: 'Clients' };
const PRODUCT: Text = { ko: '제품', en: 'Product' };
const CLOCK: Text = { ko: '시계 차이', en: 'Clock ahead by' };
const LAG: Text = { ko: '밀린 신청', en: 'Claims waiting' };
const LAG_FROM: Text = {
  ko: '아직 어느 컨슈머도 처리하지 않은 신청입니다. 모든 파티션의 (끝 − 커밋) 합. GET /api/admin/system의 claimLog.lag.',
  en: 'Claims that no consumer has settled yet: end − committed of all partitions. claimLog.lag of GET /api/admin/system.',
};
const TOPIC: Text = { ko: '토픽', en: 'Topic' };
const GROUP: Text = { ko: '컨슈머 그룹', en: 'Consumer group' };
const REPLICAS: Text = { ko: '복제본', en: 'Replicas' };
const FREE: Text = { ko: '남은 공간', en: 'Free' };
const USED: Text = { ko: '데이터 파일', en: 'Files of the service' };

interface ServersProps {
  readonly report: System;
  readonly isStale: boolean;
}

/** What the service stands on. */
export function Servers({ report: { redis, claimLog, database, disk }, isStale }: ServersProps) {
  const size = (count: number) => bytes(count, locale.value);
  const answer = (answerMs: number | null): FactPair => [
    ANSWERS_IN,
    answerMs === null ? null : `${number(Math.round(answerMs * 10) / 10)} ms`,
  ];
  const { topic } = claimLog;
  return (
    <>
      <Panel title={claimLog.kind === 'kafka' ? KAFKA : JOURNAL} state={serverState(claimLog)}>
        <div class="figures">
          <NumberWithSource label={LAG} source={LAG_FROM} value={claimLog.lag} isStale={isStale} />
        </div>
        <Facts
          facts={[
            answer(claimLog.answerMs),
            ...(topic === null
              ? []
              : ([
                  [TOPIC, <code>{topic.name}</code>],
                  [GROUP, <code>{topic.groupId}</code>],
                  [REPLICAS, topic.replicas],
                  ...Object.entries(topic.settings).map(([name, value]) => [{ ko: name, en: name }, value] as const),
                ] as const)),
          ]}
        />
        {claimLog.partitions !== null && <Partitions partitions={claimLog.partitions} />}
      </Panel>
      <Panel title={DATABASE} state={serverState(database)}>
        <Facts
          facts={[
            [PRODUCT, database.product],
            [VERSION, database.version],
            answer(database.answerMs),
            [CLOCK, database.clockAheadMs === null ? null : `${number(database.clockAheadMs)} ms`],
          ]}
        />
      </Panel>
      {redis !== null && (
        <Panel title={REDIS} state={serverState(redis)}>
          <Facts
            facts={[
              [VERSION, redis.version],
              answer(redis.answerMs),
              [ROLE, redis.role],
              [UPTIME, redis.uptimeMs === null ? null : duration(redis.uptimeMs, language.value)],
              [MEMORY, memoryOf(redis, size)],
              [EVICTION, redis.evictionPolicy],
              [APPEND_ONLY, redis.appendOnly === null ? null : text(redis.appendOnly ? ON : OFF)],
              [CLIENTS, redis.clients === null ? null : number(redis.clients)],
            ]}
          />
        </Panel>
      )}
      {disk !== null && (
        <Panel title={DISK} state={diskState(disk)}>
          <Facts
            facts={[
              [FREE, text(OF_LIMIT, { used: size(disk.freeBytes), max: size(disk.totalBytes) })],
              [USED, size(disk.usedBytes)],
            ]}
          />
        </Panel>
      )}
    </>
  );
}

function memoryOf(
  { usedBytes, maxBytes }: NonNullable<System['redis']>,
  size: (count: number) => string,
): string | null {
  if (usedBytes === null) return null;
  if (maxBytes === null || maxBytes === 0) return text(NO_LIMIT, { used: size(usedBytes) });
  return text(OF_LIMIT, { used: size(usedBytes), max: size(maxBytes) });
}
