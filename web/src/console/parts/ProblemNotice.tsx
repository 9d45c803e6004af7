import { type ComponentChildren } from 'preact';
import { type Failure } from '../../api/attempt.ts';
import { type Text, text } from '../../shared/language.ts';
import { Icon } from './Icon.tsx';
import { Since } from './Since.tsx';
import './parts.css';

const AWAY: Text = { ko: '서비스에 연결할 수 없습니다', en: 'The service cannot be reached' };
const NO_ANSWER: Text = { ko: '{t}에 응답이 없었습니다.', en: 'There was no answer at {t}.' };
const WRONG_ANSWER: Text = {
  ko: '{t}에 서비스가 아닌 곳에서 {status} 응답이 왔습니다. 앞단의 프록시일 수 있습니다.',
  en: 'At {t}, something else answered {status}: perhaps a proxy in front of the service.',
};
const BESIDE: Text = { ko: '표시된 값 {n}개를 고쳐 주세요.', en: 'Values that are marked: {n}.' };
const REQUEST: Text = { ko: '요청 번호', en: 'request' };

interface NoticeProps {
  /** null shows nothing. */
  readonly failure: Failure | null;
  /** Mistakes at these pointers stand beside their fields, and are not repeated here. */
  readonly beside?: readonly string[];
  /** Of the sign-in itself. Elsewhere the frame asks to sign in again, and no part of a page repeats it. */
  readonly isSignIn?: boolean;
  /** In place of the detail of the API, where the page knows more exactly what happened. */
  readonly detail?: ComponentChildren;
  /** What to do about it, such as a button. */
  readonly children?: ComponentChildren;
}

/** What the API said instead of doing it: its words, its code, and the id by which the log line is found. */
export function ProblemNotice({ failure: found, beside = [], isSignIn = false, detail, children }: NoticeProps) {
  const failure = found?.kind === 'refused' && found.problem.status === 401 && !isSignIn ? null : found;
  return (
    <div role="alert" class={failure === null ? 'notice-place' : 'notice bad'}>
      {failure !== null && (
        <>
          <Icon name="bad" />
          <div>
            {failure.kind === 'refused' ? (
              <Refusal failure={failure} beside={beside} detail={detail} />
            ) : (
              <Unreachable {...failure} />
            )}
            {children}
          </div>
        </>
      )}
    </div>
  );
}

function Refusal({
  failure: { problem },
  beside,
  detail,
}: {
  readonly failure: Extract<Failure, { kind: 'refused' }>;
  readonly beside: readonly string[];
  readonly detail: ComponentChildren;
}) {
  const others = problem.errors?.filter(({ pointer }) => !beside.includes(pointer)) ?? [];
  const mistakes = problem.errors?.length ?? 0;
  return (
    <>
      <strong>{problem.title}</strong>
      {detail ?? <p>{others.length === 0 && mistakes > 0 ? text(BESIDE, { n: mistakes }) : problem.detail}</p>}
      {others.length > 0 && (
        <ul>
          {others.map(({ pointer, detail }) => (
            <li key={pointer}>
              {pointer !== '' && <code>{pointer}</code>} {detail}
            </li>
          ))}
        </ul>
      )}
      <small class="muted">
        <code>{problem.code}</code> · {problem.status}
        {problem.requestId !== undefined && (
          <>
            {' '}
            · {text(REQUEST)} <code>{problem.requestId}</code>
          </>
        )}
      </small>
    </>
  );
}

function Unreachable({ at, status }: Extract<Failure, { kind: 'unreachable' }>) {
  return (
    <>
      <strong>{text(AWAY)}</strong>
      <p>
        <Since at={at} of={status === null ? NO_ANSWER : WRONG_ANSWER} parts={{ status: status ?? '' }} />
      </p>
    </>
  );
}
