import { type Text, text } from '../../shared/language.ts';
import { Actor } from '../parts/Actor.tsx';
import { type Column } from '../parts/DataTable.tsx';
import { Since } from '../parts/Since.tsx';
import { Badge } from '../parts/StateBadge.tsx';
import { Time } from '../parts/Time.tsx';
import { may, operator } from '../session.ts';
import { type Approval } from './approval.ts';
import './approvals.css';
import { type Decision, VERBS } from './DecideDialog.tsx';
import { Came, Subject, Would } from './Would.tsx';
import { ACTS, bar, nameOf, STATUSES } from './words.ts';

const WHAT: Text = { ko: '무엇을', en: 'What' };
const WOULD: Text = { ko: '결과', en: 'What it would do' };
const BY: Text = { ko: '요청', en: 'Asked for by' };
const STATE: Text = { ko: '상태', en: 'State' };
const DECIDE: Text = { ko: '결정', en: 'Decide' };
const UNTIL: Text = { ko: '{t}까지', en: 'until {t}' };
const ANOTHER: Record<'operator' | 'admin', Text> = {
  operator: { ko: '다른 운영자가 승인해야 합니다.', en: 'Another operator has to approve it.' },
  admin: { ko: '다른 관리자가 승인해야 합니다.', en: 'Another admin has to approve it.' },
};
const FOR_ADMINS: Text = { ko: '관리자가 결정합니다.', en: 'An admin decides.' };
const OF: Text = { ko: '{act}: {subject}, {verb}…', en: '{verb}: {act}, {subject}…' };

export function columns(decide: (approval: Approval, decision: Decision) => void): readonly Column<Approval>[] {
  return [
    {
      name: WHAT,
      isRowHeader: true,
      cell: (approval) => (
        <>
          {text(ACTS[approval.action])}
          <small class="muted of-what">
            <Subject approval={approval} />
          </small>
        </>
      ),
    },
    { name: WOULD, cell: (approval) => <Would approval={approval} /> },
    {
      name: BY,
      cell: ({ requestedBy, requestedAt }) => (
        <>
          <span title={requestedBy.id}>
            <Actor actor={requestedBy} />
          </span>
          <br />
          <small class="muted">
            <Time at={requestedAt} />
          </small>
        </>
      ),
    },
    { name: STATE, cell: (approval) => <State approval={approval} /> },
    { name: DECIDE, cell: (approval) => <Decide approval={approval} decide={decide} /> },
  ];
}

function State({ approval }: { readonly approval: Approval }) {
  const { status, expiresAt, decidedBy, decidedAt } = approval;
  return (
    <>
      <Badge {...STATUSES[status]} />
      <br />
      <small class="muted">
        {status === 'PENDING' ? (
          <Since at={Date.parse(expiresAt)} of={UNTIL} />
        ) : (
          <>
            {decidedBy !== null && <Actor actor={decidedBy} />} {decidedAt !== null && <Time at={decidedAt} />}
          </>
        )}
      </small>
      <Came outcome={approval.outcome} />
    </>
  );
}

interface DecideProps {
  readonly approval: Approval;
  readonly decide: (approval: Approval, decision: Decision) => void;
}

function Decide({ approval, decide }: DecideProps) {
  if (approval.status !== 'PENDING') return <span class="muted">–</span>;
  const barred = bar(approval, operator.value?.actor.id, may);
  if (barred === 'role') return <span class="muted">{text(FOR_ADMINS)}</span>;
  const decisions: readonly Decision[] = barred === 'own' ? ['take-back'] : ['reject', 'approve'];
  return (
    <div class="decide">
      {barred === 'own' && (
        <span class="muted">{text(ANOTHER[approval.neededRole === 'admin' ? 'admin' : 'operator'])}</span>
      )}
      {decisions.map((decision) => (
        <button
          key={decision}
          type="button"
          class={decision === 'approve' ? 'primary' : undefined}
          aria-label={text(OF, {
            verb: text(VERBS[decision]),
            act: text(ACTS[approval.action]),
            subject: nameOf(approval),
          })}
          onClick={() => decide(approval, decision)}
        >
          {text(VERBS[decision])}
        </button>
      ))}
    </div>
  );
}
