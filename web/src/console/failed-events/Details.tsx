import { type ComponentChildren } from 'preact';
import { number, type Text, text } from '../../shared/language.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { ExactTime } from '../parts/ExactTime.tsx';
import { addressOf } from '../parts/filters.ts';
import { Badge } from '../parts/StateBadge.tsx';
import { consolePath } from '../paths.ts';
import { may } from '../session.ts';
import './failed-events.css';
import { Message } from './Message.tsx';
import { type Action } from './selection.ts';
import { type FailedEvent, mayDiscard, mayRequeue, reasonOf, STATUSES } from './words.ts';

const TITLE: Text = { ko: '발급 실패 건 {id}', en: 'Failed event {id}' };
const NOTHING: Text = { ko: '없음', en: 'none' };
const NOT_TO_READ: Text = {
  ko: '이 메시지에서는 신청을 읽을 수 없습니다. 위치: 아래의 토픽과 오프셋.',
  en: 'No claim can be read from this message. It lies at the topic and offset below.',
};
const NAMES = {
  campaign: { ko: '캠페인', en: 'Campaign' },
  user: { ko: '사용자', en: 'User' },
  claim: { ko: '신청 ID', en: 'Claim' },
  sequence: { ko: '순번', en: 'Number in line' },
  claimedAt: { ko: '신청 시각', en: 'Claimed' },
  epoch: { ko: '게이트 세대', en: 'Epoch of the gate' },
  log: { ko: '로그의 위치', en: 'On the log' },
  source: { ko: '발견한 곳', en: 'Set aside by' },
  error: { ko: '오류', en: 'Error' },
  attempts: { ko: '시도', en: 'Attempts' },
  next: { ko: '다음 시도', en: 'Next attempt' },
  released: { ko: '자리 반환', en: 'Slot given back' },
  resolvedBy: { ko: '해결한 곳', en: 'Resolved by' },
  note: { ko: '폐기 사유', en: 'Reason of the discard' },
  created: { ko: '기록된 시각', en: 'Since' },
  updated: { ko: '마지막 변경', en: 'Last change' },
} as const satisfies Record<string, Text>;
const ACTIONS: Record<Action, Text> = {
  requeue: { ko: '다시 넣기…', en: 'Requeue…' },
  discard: { ko: '폐기…', en: 'Discard…' },
};

type Fact = readonly [Text, ComponentChildren];

interface DetailsProps {
  readonly row: FailedEvent;
  readonly onAct: (action: Action) => void;
  readonly onClose: () => void;
}

/** All that is known of one failed event: the claim in it, why it waits, what happens next, and the message itself. */
export function Details({ row, onAct, onClose }: DetailsProps) {
  const { campaignId, userId, claimedAt, sequence, topic, errorClass, errorCode, errorMessage } = row;
  const { next, ...badge } = STATUSES[row.status];
  const reason = reasonOf(row);
  const title = { ko: TITLE.ko.replace('{id}', String(row.id)), en: TITLE.en.replace('{id}', String(row.id)) };
  const ofClaim: readonly Fact[] = [
    [NAMES.campaign, campaignId !== null && <a href={consolePath(`/campaigns/${campaignId}`)}>{campaignId}</a>],
    [NAMES.user, userId !== null && <a href={consolePath(addressOf('/search', { q: userId }))}>{userId}</a>],
    [NAMES.claim, row.claimId !== null && <code>{row.claimId}</code>],
    [NAMES.sequence, sequence !== null && number(sequence)],
    [NAMES.claimedAt, claimedAt !== null && <ExactTime at={claimedAt} />],
    [NAMES.epoch, row.epoch],
  ];
  const facts: readonly Fact[] = [
    // Of a message that cannot be read, all of them are unknown.
    ...(claimedAt === null ? [] : ofClaim),
    [NAMES.log, topic !== null && <code>{`${topic} / ${row.partition ?? '?'} / ${row.offset ?? '?'}`}</code>],
    [NAMES.source, row.source],
    [
      NAMES.error,
      <>
        <code>
          {errorClass} / {errorCode}
        </code>{' '}
        {errorMessage}
      </>,
    ],
    [NAMES.attempts, `${number(row.attempts)} / ${number(row.maxAttempts)}`],
    [NAMES.next, row.nextAttemptAt !== null && <ExactTime at={row.nextAttemptAt} />],
    [NAMES.created, <ExactTime at={row.createdAt} />],
    [NAMES.updated, <ExactTime at={row.updatedAt} />],
    ...(row.note === null ? [] : [[NAMES.note, row.note] as const]),
    ...(row.releasedAt === null ? [] : [[NAMES.released, <ExactTime at={row.releasedAt} />] as const]),
    ...(row.resolvedBy === null ? [] : [[NAMES.resolvedBy, row.resolvedBy] as const]),
  ];
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        <p class="words">
          <Badge {...badge} /> {text(next)}
        </p>
        {reason !== null && <p class="words">{text(reason)}</p>}
        {claimedAt === null && <p class="words">{text(NOT_TO_READ)}</p>}
        <dl class="facts">
          {facts.map(([name, value]) => (
            <>
              <dt>{text(name)}</dt>
              <dd>{value === false || value === null ? <span class="muted">{text(NOTHING)}</span> : value}</dd>
            </>
          ))}
        </dl>
        <Message row={row} />
        {may('operator') && (
          <div class="actions end">
            {mayDiscard(row) && (
              <button type="button" class="danger" onClick={() => onAct('discard')}>
                {text(ACTIONS.discard)}
              </button>
            )}
            {mayRequeue(row) && (
              <button type="button" class="primary" onClick={() => onAct('requeue')}>
                {text(ACTIONS.requeue)}
              </button>
            )}
          </div>
        )}
      </div>
    </Dialog>
  );
}
