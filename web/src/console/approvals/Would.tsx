import { number, type Text, text } from '../../shared/language.ts';
import { changesOf } from '../audit/words.ts';
import { nameOf as valueName, written } from '../audit/written.ts';
import { addressOf } from '../parts/filters.ts';
import { Since } from '../parts/Since.tsx';
import { Time } from '../parts/Time.tsx';
import { consolePath } from '../paths.ts';
import { type Approval } from './approval.ts';
import './approvals.css';
import { factsOf, nameOf, numbersOf, textAt } from './words.ts';

const UNKNOWN: Text = { ko: '알 수 없음', en: 'not known' };
const NONE: Text = { ko: '없음', en: 'none' };
const AS_OF: Text = { ko: '요청한 {t} 기준', en: 'By the numbers of {t}, when it was asked for' };
const FAILED_EVENT: Text = { ko: '발급 실패 건 {id}', en: 'failed event {id}' };
const FAILED_EVENTS: Text = { ko: '발급 실패 건 목록', en: 'the failed events' };

/** What it would do, as numbers, and what was asked for. */
export function Would({ approval }: { readonly approval: Approval }) {
  return (
    <>
      <ul class="would">
        {numbersOf(approval).map(({ value, of }) => (
          <li key={of.en} class="counted">
            <strong>{value === null ? text(UNKNOWN) : number(value)}</strong> {text(of)}
          </li>
        ))}
        {factsOf(approval).map(({ name, value, isInstant }) => (
          <li key={name.en}>
            <span class="muted">{text(name)}</span>{' '}
            <strong>{value === null ? text(NONE) : isInstant ? <Time at={value} /> : value}</strong>
          </li>
        ))}
      </ul>
      <small class="muted">
        <Since at={Date.parse(approval.requestedAt)} of={AS_OF} />
      </small>
    </>
  );
}

/** What came of it; nothing while it waits. */
export function Came({ outcome }: Pick<Approval, 'outcome'>) {
  if (outcome === null) return null;
  const { now, ...rest } = outcome;
  return <Values of={{ ...rest, ...(typeof now === 'object' ? now : {}) }} />;
}

/** Values of the API, in words. */
export function Values({ of }: { readonly of: Readonly<Record<string, unknown>> }) {
  return (
    <ul class="would">
      {changesOf(of).map(({ name, after }) => (
        <li key={name}>
          <span class="muted">{valueName(name)}</span> <strong>{written(name, after)}</strong>
        </li>
      ))}
    </ul>
  );
}

/** What it acts on, as a link where there is a page of it. */
export function Subject({ approval }: { readonly approval: Approval }) {
  const { action, subject, campaignId, order, consequences } = approval;
  const campaign = campaignId !== null && <a href={consolePath(`/campaigns/${campaignId}`)}>{campaignId}</a>;
  switch (action) {
    case 'key.create':
    case 'key.revoke':
      return <code>{subject}</code>;
    case 'failed-event.discard': {
      const name = text(FAILED_EVENT, { id: subject });
      const claimId = textAt(consequences, 'claimId');
      return (
        <>
          {claimId === undefined ? name : <a href={addressOf(consolePath('/search'), { q: claimId })}>{name}</a>}{' '}
          {campaign}
        </>
      );
    }
    case 'failed-events.discard': {
      const filters = { status: String(order['status']), campaignId: campaignId ?? undefined };
      return <a href={addressOf(consolePath('/failed-events'), filters)}>{text(FAILED_EVENTS)}</a>;
    }
    default:
      return (
        <>
          {nameOf(approval)} {campaign}
        </>
      );
  }
}
