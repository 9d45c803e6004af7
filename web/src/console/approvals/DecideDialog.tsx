import { type VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { attempt, codeOf, type Failure } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { explainRefusal } from '../campaigns/GateNotTold.tsx';
import { ConfirmDialog } from '../parts/Dialog.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { type Approval } from './approval.ts';
import { Subject, Values, Would } from './Would.tsx';
import { ACTS, nameToType } from './words.ts';

export type Decision = 'approve' | 'reject' | 'take-back';

const TITLES: Record<Decision, Text> = {
  approve: { ko: '승인할까요?', en: 'Approve this?' },
  reject: { ko: '거절할까요?', en: 'Reject this?' },
  'take-back': { ko: '요청을 취소할까요?', en: 'Take the request back?' },
};
export const VERBS: Record<Decision, Text> = {
  approve: { ko: '승인', en: 'Approve' },
  reject: { ko: '거절', en: 'Reject' },
  'take-back': { ko: '요청 취소', en: 'Take back' },
};
const ASKED_BY: Text = { ko: '{name}님이 요청했습니다.', en: '{name} has asked for it.' };
const MEANS: Record<Decision, Text> = {
  approve: {
    ko: '승인하면 요청한 그대로 바로 실행되며 되돌릴 수 없습니다. 그 사이 대상이 바뀌었다면 아무것도 하지 않습니다.',
    en: 'It is done at once, exactly as it was asked for, and cannot be undone. If what it acts on has changed since, nothing is done.',
  },
  reject: { ko: '아무것도 바뀌지 않습니다.', en: 'Nothing is changed.' },
  'take-back': { ko: '아무것도 바뀌지 않습니다.', en: 'Nothing is changed.' },
};
const CHANGED: Text = {
  ko: '요청한 뒤에 대상이 바뀌어 아무것도 하지 않았습니다. 필요하면 새로 요청해야 합니다. 지금 상태:',
  en: 'It has changed since it was asked for, so nothing was done, and it has to be asked for again. As it is now:',
};

interface DecideProps {
  readonly approval: Approval;
  readonly decision: Decision;
  /** @param decided what came of it; null: it was not decided so. */
  readonly onClose: (decided: Approval | null) => void;
  /** After the service has answered, whatever it said. */
  readonly onAnswer: () => void;
}

/** Asks the second operator, with all that the first one has asked for. */
export function DecideDialog({ approval, decision, onClose, onAnswer }: DecideProps) {
  const decided = useRef<Approval | null>(null);
  const decide = async (): Promise<Failure | null> => {
    const params = { path: { approvalId: approval.id } };
    const outcome =
      decision === 'approve'
        ? await attempt(api.POST('/api/admin/approvals/{approvalId}/approve', { params }))
        : await attempt(api.POST('/api/admin/approvals/{approvalId}/reject', { params }));
    onAnswer();
    if (!outcome.ok) return outcome.failure;
    decided.current = outcome.data;
    return null;
  };
  const name = decision === 'approve' ? nameToType(approval) : undefined;
  return (
    <ConfirmDialog
      title={TITLES[decision]}
      verb={VERBS[decision]}
      onClose={() => onClose(decided.current)}
      act={decide}
      explain={(failure) => explainRefusal(failure) ?? explainChange(failure)}
      {...(name === undefined ? {} : { typeName: name })}
    >
      <p>
        <strong>{text(ACTS[approval.action])}</strong> <Subject approval={approval} />
        <br />
        {text(ASKED_BY, { name: approval.requestedBy.name })}
      </p>
      <div>
        <Would approval={approval} />
      </div>
      <p class="muted">{text(MEANS[decision])}</p>
    </ConfirmDialog>
  );
}

/** For the 409 `approval-outdated`: what is there now; null for other refusals. */
function explainChange(failure: Failure | null): VNode | null {
  if (failure?.kind !== 'refused' || codeOf(failure) !== 'approval-outdated') return null;
  const { reason, now } = failure.problem;
  return (
    <ProblemNotice
      failure={failure}
      detail={
        <>
          <p>{text(CHANGED)}</p>
          <Values of={{ reason, ...now }} />
        </>
      }
    />
  );
}
