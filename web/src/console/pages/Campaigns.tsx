import { attempt } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { type Column, DataTable } from '../parts/DataTable.tsx';
import { Page } from '../parts/Page.tsx';
import { StateBadge } from '../parts/StateBadge.tsx';
import { Time } from '../parts/Time.tsx';
import { usePages } from '../parts/use-pages.ts';

type Campaign = Schemas['Campaign'];

const TITLE: Text = { ko: '캠페인', en: 'Campaigns' };
const CAPTION: Text = { ko: '모든 캠페인, 최신순', en: 'All campaigns, newest first' };
const EMPTY: Text = { ko: '아직 캠페인이 없습니다.', en: 'There is no campaign yet.' };

const COLUMNS: readonly Column<Campaign>[] = [
  { name: { ko: '이름', en: 'Name' }, cell: ({ name }) => name, isRowHeader: true },
  { name: { ko: '상태', en: 'State' }, cell: ({ state }) => <StateBadge state={state} /> },
  { name: { ko: '수량', en: 'Total' }, cell: ({ total }) => number(total), isNumber: true },
  { name: { ko: '시작', en: 'Starts' }, cell: ({ startsAt }) => <Time at={startsAt} /> },
];

export default function Campaigns() {
  const list = usePages(
    (cursor) => attempt(api.GET('/api/campaigns', { params: { query: cursor === undefined ? {} : { cursor } } })),
    [],
  );
  return (
    <Page title={TITLE}>
      <DataTable caption={CAPTION} columns={COLUMNS} list={list} keyOf={({ id }) => id} empty={text(EMPTY)} />
    </Page>
  );
}
