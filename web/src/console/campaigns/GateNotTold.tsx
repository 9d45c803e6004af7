import { type VNode } from 'preact';
import { codeOf, type Failure } from '../../api/attempt.ts';
import { type Text, text } from '../../shared/language.ts';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';

const STORED: Text = {
  ko: '변경은 저장되었습니다. 게이트가 응답하는 대로 자동으로 반영되며, 그때까지는 이전 조건으로 신청을 받을 수 있습니다.',
  en: 'The change is stored, and reaches the gate by itself once that answers. Until then claims may be decided by the terms from before.',
};
const NOT_STORED: Text = {
  ko: '아무것도 바뀌지 않았습니다. 게이트가 먼저 동의해야 하는 변경입니다. 다시 시도해도 안전합니다.',
  en: 'Nothing was changed: the gate has to agree to this change first. It is safe to try again.',
};
const GATE: Record<'refused' | 'unknown' | 'rebuilding', Text> = {
  refused: { ko: '게이트가 변경을 받지 않았습니다.', en: 'The gate has not taken the change.' },
  unknown: { ko: '게이트가 응답하지 않았습니다.', en: 'The gate has not answered.' },
  rebuilding: { ko: '게이트를 복구하는 중입니다.', en: 'The gate is being rebuilt.' },
};

/** More than the words of the API, for a refusal that needs them; null for the others. */
export function explainRefusal(failure: Failure | null): VNode | null {
  return failure !== null && codeOf(failure) === 'gate-not-told' ? <GateNotTold failure={failure} /> : null;
}

/** Explains the 503 `gate-not-told`: what is stored, and by which terms claims are decided now. */
function GateNotTold({ failure }: { readonly failure: Failure }) {
  if (failure.kind !== 'refused') return null;
  const { stored, gate } = failure.problem;
  return (
    <ProblemNotice
      failure={failure}
      detail={
        <>
          {gate !== undefined && <p>{text(GATE[gate])}</p>}
          <p>{text(stored === true ? STORED : NOT_STORED)}</p>
        </>
      }
    />
  );
}
