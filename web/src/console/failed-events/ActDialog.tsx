import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { mistakeAt } from '../../api/attempt.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Field } from '../parts/Field.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import './failed-events.css';
import { Report } from './Report.tsx';
import { answered, nothingOf, type Progress } from './run-many.ts';
import { type Action, type Consequence } from './selection.ts';

const TITLES: Record<Action, Text> = {
  requeue: { ko: '다시 넣기', en: 'Requeue' },
  discard: { ko: '폐기', en: 'Discard' },
};
const VERBS: Record<Action, Text> = {
  requeue: { ko: '{n}건 다시 넣기', en: 'Requeue {n}' },
  discard: { ko: '{n}건 폐기', en: 'Discard {n}' },
};
const CONSEQUENCES: Record<Action, Text> = {
  requeue: {
    ko: '신청 {n}건을 지금 다시 처리합니다. 원인이 해결되었으면 쿠폰이 발급되고, 아니면 처음부터 다시 시도합니다.',
    en: 'Claims that the service tries again now: {n}. They become coupons if the cause is mended; otherwise all attempts begin again.',
  },
  discard: {
    ko: '신청 {n}건은 쿠폰이 되지 않습니다. 되돌릴 수 없습니다. 잡혀 있던 자리는 재고로 돌아가고, 그 사용자는 다시 신청할 수 있습니다.',
    en: 'Claims that become no coupons, for good: {n}. Slots that they hold go back to the stock, and their users may claim again.',
  },
};
const OF_CAMPAIGN: Text = { ko: '{id}: {n}건', en: '{id}: {n}' };
const OTHERS: Text = { ko: '다른 캠페인 {n}개', en: '{n} other campaigns' };
const UNREADABLE: Text = {
  ko: '읽을 수 없는 메시지 {n}건도 폐기됩니다. 자리를 잡고 있지 않습니다.',
  en: 'Messages that cannot be read, and are discarded too: {n}. They hold no slot.',
};
const LEFT: Record<Action, Text> = {
  requeue: {
    ko: '{n}건은 그대로 둡니다. 이미 처리 중이거나 끝났거나, 읽을 수 없는 메시지입니다.',
    en: 'Left as they are, because they are on their way, final, or cannot be read: {n}.',
  },
  discard: { ko: '{n}건은 이미 끝나서 그대로 둡니다.', en: 'Left as they are, because they are final already: {n}.' },
};
const REASON: Text = { ko: '사유', en: 'Reason' };
const REASON_HINT: Text = { ko: '감사 로그에 남습니다.', en: 'Kept in the audit log.' };
const CANCEL: Text = { ko: '취소', en: 'Cancel' };
const STOP: Text = { ko: '멈추기', en: 'Stop' };
const CLOSE: Text = { ko: '닫기', en: 'Close' };
const RUNNING: Text = { ko: '{total}건 중 {n}건 처리', en: '{n} of {total}' };

/** How many campaigns are named. */
const NAMED = 5;

/** Does it, and reports how far it is. */
export type Run = (reason: string, report: (progress: Progress) => void, isStopped: () => boolean) => Promise<Progress>;

interface ActDialogProps {
  readonly action: Action;
  readonly consequence: Omit<Consequence, 'rows'>;
  /** How many rows it will be done to. */
  readonly count: number;
  readonly run: Run;
  /** @param hasActed whether the lists have to be read again. */
  readonly onClose: (hasActed: boolean) => void;
}

/** Says as numbers what will happen, does it, and says what came of it. */
export function ActDialog({ action, consequence, count, run, onClose }: ActDialogProps) {
  const reason = useSignal('');
  const progress = useSignal<Progress | null>(null);
  const isRunning = useSignal(false);
  const isStopped = useSignal(false);
  const { value: now } = progress;
  const refusal = now?.stopped === 'by-operator' ? null : (now?.stopped ?? null);
  const mistake = mistakeAt(refusal, '/reason');
  // What the API says of the reason stands beside it, and can be mended.
  const isAsking = now === null || (mistake !== undefined && !isRunning.value);
  const needsReason = action === 'discard';
  // The button that had the focus is gone, so the one that took its place gets it.
  const place = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (!isAsking) place.current?.focus();
  }, [isAsking, isRunning.value]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isRunning.value || count === 0 || (needsReason && reason.value.trim() === '')) return;
    isRunning.value = true;
    isStopped.value = false;
    progress.value = nothingOf(count);
    progress.value = await run(
      reason.value,
      (made) => (progress.value = made),
      () => isStopped.value,
    );
    isRunning.value = false;
  };
  return (
    <Dialog title={TITLES[action]} onClose={isRunning.value ? null : () => onClose(!isAsking)}>
      {isAsking ? (
        <form class="stack" onSubmit={(event) => void submit(event)}>
          <Numbers action={action} consequence={consequence} />
          {needsReason && (
            <Field label={REASON} hint={REASON_HINT} mistake={mistake}>
              {(attributes) => (
                <textarea
                  {...attributes}
                  name="reason"
                  rows={2}
                  required
                  value={reason.value}
                  onInput={({ currentTarget }) => (reason.value = currentTarget.value)}
                />
              )}
            </Field>
          )}
          <ProblemNotice failure={mistake === undefined ? null : refusal} beside={['/reason']} />
          <div class="actions end">
            <button type="button" onClick={() => onClose(false)}>
              {text(CANCEL)}
            </button>
            <button
              type="submit"
              class={needsReason ? 'primary danger' : 'primary'}
              disabled={count === 0 || (needsReason && reason.value.trim() === '')}
            >
              {text(VERBS[action], { n: number(count) })}
            </button>
          </div>
        </form>
      ) : (
        <div class="stack">
          <div>
            <progress max={now.total} value={answered(now)} aria-label={text(TITLES[action])} />
            <p class="number" role="status">
              {text(RUNNING, { n: number(answered(now)), total: number(now.total) })}
            </p>
          </div>
          {!isRunning.value && <Report action={action} progress={now} />}
          <div class="actions end">
            {isRunning.value ? (
              <button ref={place} type="button" onClick={() => (isStopped.value = true)}>
                {text(STOP)}
              </button>
            ) : (
              <button ref={place} type="button" class="primary" onClick={() => onClose(true)}>
                {text(CLOSE)}
              </button>
            )}
          </div>
        </div>
      )}
    </Dialog>
  );
}

function Numbers({ action, consequence }: Pick<ActDialogProps, 'action' | 'consequence'>) {
  const { claims, withoutClaim, left, claimCount } = consequence;
  const others = claims.length - NAMED;
  return (
    <div>
      <p class="consequence">{text(CONSEQUENCES[action], { n: number(claimCount) })}</p>
      {claims.length > 0 && (
        <ul class="number">
          {claims.slice(0, NAMED).map(({ campaignId, count: n }) => (
            <li key={campaignId}>{text(OF_CAMPAIGN, { id: campaignId, n: number(n) })}</li>
          ))}
          {others > 0 && <li>{text(OTHERS, { n: number(others) })}</li>}
        </ul>
      )}
      {withoutClaim > 0 && <p>{text(UNREADABLE, { n: number(withoutClaim) })}</p>}
      {left > 0 && <p class="muted">{text(LEFT[action], { n: number(left) })}</p>}
    </div>
  );
}
