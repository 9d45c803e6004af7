import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { attempt, type Failure } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { may } from '../session.ts';
import './failed-events.css';
import { readable } from './readable.ts';
import { type FailedEvent } from './words.ts';

type Kept = Schemas['KeptMessage'];
type Bytes = Schemas['MessageBytes'];

const MESSAGE: Text = { ko: '메시지', en: 'Message' };
const WAITS: Text = { ko: '메시지를 읽는 중입니다…', en: 'Reading the message …' };
const CUT: Text = {
  ko: '길어서 앞부분만 보관되었습니다.',
  en: 'It was longer than what is kept: this is its beginning.',
};
const NO_HEADERS: Text = { ko: '길어서 보관되지 않았습니다.', en: 'They were longer than what is kept.' };
const SIZE: Text = { ko: '{n} B', en: '{n} B' };
const BASE64: Text = { ko: '{n} B, UTF-8이 아니어서 base64로 표시', en: '{n} B, no UTF-8, so in base64' };
const EMPTY: Text = { ko: '없음', en: 'none' };
const PARTS = {
  key: { ko: '키', en: 'Key' },
  value: { ko: '내용', en: 'Value' },
  headers: { ko: '헤더', en: 'Headers' },
} as const satisfies Record<string, Text>;
const ABSENT = {
  /** An api or the sweeper had the claim from the gate. */
  none: {
    ko: '로그에서 온 건이 아니어서 메시지가 없습니다. 신청은 게이트에서 직접 기록되었습니다.',
    en: 'It did not come from the log, so there is none: the claim was written down as the gate had admitted it.',
  },
  deleted: { ko: '폐기한 뒤에 삭제되었습니다.', en: 'Deleted some time after the discard.' },
  hidden: { ko: '조회자에게는 표시되지 않습니다.', en: 'Viewers do not see it.' },
  lost: { ko: '데이터베이스가 보관을 거부했습니다.', en: 'The database refused to keep it.' },
} as const satisfies Record<string, Text>;

type Answer = { readonly message: Kept | null } | { readonly failure: Failure };

/** The message that could not become a coupon, byte for byte. */
export function Message({ row }: { readonly row: FailedEvent }) {
  const answer = useSignal<Answer | null>(null);
  useEffect(() => {
    let isGone = false;
    void attempt(api.GET('/api/admin/failed-events/{id}/message', { params: { path: { id: row.id } } })).then(
      (outcome) => {
        if (!isGone) answer.value = outcome.ok ? outcome.data : outcome;
      },
    );
    return () => {
      isGone = true;
    };
  }, [row.id]);
  return (
    <section class="message" aria-busy={answer.value === null}>
      <h3>{text(MESSAGE)}</h3>
      {answer.value === null ? (
        <p class="muted">{text(WAITS)}</p>
      ) : 'failure' in answer.value ? (
        <ProblemNotice failure={answer.value.failure} />
      ) : answer.value.message === null ? (
        <p class="muted words">{text(ABSENT[absenceOf(row)])}</p>
      ) : (
        <Parts message={answer.value.message} />
      )}
    </section>
  );
}

function absenceOf({ topic, status }: FailedEvent): keyof typeof ABSENT {
  if (topic === null) return 'none';
  if (!may('operator')) return 'hidden';
  return status === 'DISCARDED' ? 'deleted' : 'lost';
}

function Parts({ message: { key, value, headers, cut } }: { readonly message: Kept }) {
  return (
    <>
      {cut && <p class="words">{text(CUT)}</p>}
      <dl class="facts">
        <Part name={text(PARTS.key)} of={key} />
        <Part name={text(PARTS.value)} of={value} />
        {headers === null && (
          <>
            <dt>{text(PARTS.headers)}</dt>
            <dd class="muted">{text(NO_HEADERS)}</dd>
          </>
        )}
        {headers?.map(({ name, value: of }) => (
          <Part key={name} name={<code>{readable(name)}</code>} label={readable(name)} of={of} />
        ))}
      </dl>
    </>
  );
}

interface PartProps {
  readonly name: string | preact.JSX.Element;
  /** Of the part, where `name` is no text. */
  readonly label?: string;
  readonly of: Bytes | null;
}

function Part({ name, label = String(name), of }: PartProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {of === null ? (
          <span class="muted">{text(EMPTY)}</span>
        ) : (
          <>
            {/* A long one scrolls, also by keyboard. */}
            <pre tabIndex={0} role="group" aria-label={label}>
              {of.text === null ? of.base64 : readable(of.text)}
            </pre>
            <small class="muted">{text(of.text === null ? BASE64 : SIZE, { n: number(of.length) })}</small>
          </>
        )}
      </dd>
    </>
  );
}
