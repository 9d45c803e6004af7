import { type ComponentChildren, type Key } from 'preact';
import { type Failure } from '../../api/attempt.ts';
import { number, type Text, text } from '../../shared/language.ts';
import { ProblemNotice } from './ProblemNotice.tsx';
import './parts.css';
import { type Listed } from './use-pages.ts';

const MORE: Text = { ko: '더 보기', en: 'Show more' };
const LOADING: Text = { ko: '불러오는 중…', en: 'Loading…' };
const RETRY: Text = { ko: '다시 시도', en: 'Try again' };
const COUNT: Text = { ko: '{n}건 표시', en: '{n} shown' };
const COUNT_MORE: Text = { ko: '{n}건 표시, 더 있음', en: '{n} shown, there are more' };

export interface Column<Row> {
  readonly name: Text;
  readonly cell: (row: Row) => ComponentChildren;
  /** Beside the name, such as where its numbers come from. */
  readonly beside?: ComponentChildren;
  /** Aligned to the right. */
  readonly isNumber?: boolean;
  /** The cell that names the row, for screen readers. */
  readonly isRowHeader?: boolean;
}

interface TableProps<Row> {
  /** What it lists, and in which order. */
  readonly caption: Text;
  readonly columns: readonly Column<Row>[];
  readonly list: Listed<Row>;
  readonly keyOf: (row: Row) => Key;
  /** What is said when there is nothing; also what to do about it. */
  readonly empty: ComponentChildren;
  /** Filters at these pointers say themselves what the API said of them. */
  readonly beside?: readonly string[];
}

/** A list of the API as a table. It scrolls within itself where it is wider than the page. */
export function DataTable<Row>({ caption, columns, list, keyOf, empty, beside = [] }: TableProps<Row>) {
  const { items, isLoading, failure, more, reload } = list;
  const isSaid = isOnlyOf(failure, beside);
  return (
    <div class="data-table">
      <ProblemNotice failure={isSaid ? null : failure}>
        <button type="button" onClick={reload}>
          {text(RETRY)}
        </button>
      </ProblemNotice>
      <div class="table-scroll" role="region" aria-label={text(caption)} tabIndex={0}>
        <table aria-busy={isLoading}>
          <caption>{text(caption)}</caption>
          <thead>
            <tr>
              {columns.map(({ name, beside, isNumber }) => (
                <th key={name.en} scope="col" class={isNumber === true ? 'right' : undefined}>
                  {text(name)} {beside}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items?.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column) => (
                  <Cell key={column.name.en} column={column} row={row} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {items?.length === 0 && !isLoading && <div class="table-empty">{empty}</div>}
        {items === null && isLoading && <div class="table-empty muted">{text(LOADING)}</div>}
      </div>
      <div class="table-foot">
        <span class="muted number" role="status">
          {items !== null && text(more === null ? COUNT : COUNT_MORE, { n: number(items.length) })}
        </span>
        {more !== null && (
          <button type="button" disabled={isLoading} onClick={more}>
            {text(MORE)}
          </button>
        )}
      </div>
    </div>
  );
}

/** Are all mistakes that the API has found at these pointers? */
function isOnlyOf(failure: Failure | null, pointers: readonly string[]): boolean {
  if (failure?.kind !== 'refused') return false;
  const { errors = [] } = failure.problem;
  return errors.length > 0 && errors.every(({ pointer }) => pointers.includes(pointer));
}

function Cell<Row>({ column: { cell, isNumber, isRowHeader }, row }: { column: Column<Row>; row: Row }) {
  const look = isNumber === true ? 'right number' : undefined;
  if (isRowHeader !== true) return <td class={look}>{cell(row)}</td>;
  return (
    <th scope="row" class={look}>
      {cell(row)}
    </th>
  );
}
