import { type VNode } from 'preact';
import { attempt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { ACTIONS } from '../audit/words.ts';
import { Actor } from '../parts/Actor.tsx';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { CAMPAIGN_STATES, campaignStateWord } from '../parts/StateBadge.tsx';
import { Time, zonedInstant } from '../parts/Time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { may } from '../session.ts';
import { CHALLENGES } from './campaign.ts';
import { CHALLENGE_NAMES, TERM_NAMES } from './CampaignFields.tsx';
import './campaigns.css';

type Entry = Schemas['AuditEntry'];

const TITLE: Text = { ko: '변경 이력', en: 'History' };
const CAPTION: Text = { ko: '누가 무엇을 바꾸었는지, 최신순', en: 'Who changed what, newest first' };
const EMPTY: Text = { ko: '아직 기록이 없습니다.', en: 'Nothing is recorded yet.' };
const OPERATORS: Text = {
  ko: '변경 이력은 operator 역할부터 볼 수 있습니다.',
  en: 'The history is for the role operator and above.',
};
const STATE: Text = { ko: '상태', en: 'State' };
const NONE: Text = { ko: '없음', en: 'none' };
const YES: Text = { ko: '예', en: 'yes' };
const NO: Text = { ko: '아니요', en: 'no' };
const LINES = 10;

const COLUMNS: readonly Column<Entry>[] = [
  { name: { ko: '시각', en: 'When' }, cell: ({ at }) => <Time at={at} /> },
  { name: { ko: '누가', en: 'Who' }, cell: ({ actor }) => <Actor actor={actor} /> },
  { name: { ko: '작업', en: 'What' }, cell: ({ action }) => wordsOf(action) },
  { name: { ko: '내용', en: 'Change' }, cell: ({ detail }) => <Detail detail={detail} /> },
];

/** What was done to the campaign, from the audit log. @param version read again when it changes. */
export function History({ campaignId, version, state }: { campaignId: string; version: number; state: string }) {
  if (!may('operator')) return <p class="muted">{text(OPERATORS)}</p>;
  return <Lines campaignId={campaignId} version={version} state={state} />;
}

function Lines({ campaignId, version, state }: { campaignId: string; version: number; state: string }) {
  const list = usePages(
    (cursor) => {
      const query = { campaignId, limit: LINES, ...(cursor === undefined ? {} : { cursor }) };
      return attempt(api.GET('/api/admin/audit-log', { params: { query } }));
    },
    [campaignId, version, state],
  );
  return (
    <section aria-labelledby="history">
      <h2 id="history">{text(TITLE)}</h2>
      <DataTable caption={CAPTION} columns={COLUMNS} list={list} keyOf={({ id }) => id} empty={text(EMPTY)} />
    </section>
  );
}

/** `Total: 100 → 200` for what was changed, and `Name: Noon` for what was asked for. */
function Detail({ detail }: { readonly detail: Entry['detail'] }) {
  const { before, after, version: _version, ...rest } = detail;
  const was: Record<string, unknown> = isRecord(before) ? before : {};
  const is: Record<string, unknown> = isRecord(after) ? after : {};
  return (
    <ul class="details">
      {Object.keys(is).map((term) => (
        <li key={term}>
          {nameOf(term)}: {written(term, was[term])} → <strong>{written(term, is[term])}</strong>
        </li>
      ))}
      {Object.entries(rest).map(([term, value]) => (
        <li key={term}>
          {nameOf(term)}: {written(term, value)}
        </li>
      ))}
    </ul>
  );
}

/** An action of a newer service is shown by its name. */
function wordsOf(action: string): VNode {
  return Object.hasOwn(ACTIONS, action) ? <>{text(ACTIONS[action] as Text)}</> : <code>{action}</code>;
}

function nameOf(term: string): string {
  if (term === 'state') return text(STATE);
  return Object.hasOwn(TERM_NAMES, term) ? text(TERM_NAMES[term as keyof typeof TERM_NAMES]) : term;
}

function written(term: string, value: unknown): string {
  if (value === null || value === undefined) return text(NONE);
  if (term === 'startsAt' || term === 'endsAt') return zonedInstant(new Date(value as string | number));
  const state = CAMPAIGN_STATES.find((one) => term === 'state' && one === value);
  if (state !== undefined) return text(campaignStateWord(state));
  const challenge = CHALLENGES.find((one) => term === 'challenge' && one === value);
  if (challenge !== undefined) return text(CHALLENGE_NAMES[challenge]);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean') return text(value ? YES : NO);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
