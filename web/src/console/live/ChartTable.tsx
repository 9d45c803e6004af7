import { useSignal } from '@preact/signals';
import { type Text, text } from '../../shared/language.ts';
import { Since } from '../parts/Since.tsx';
import './live.css';
import { precise } from './numbers.ts';
import { type LiveSample } from './samples.ts';
import { ALL_SERIES, CHARTS } from './series.ts';

const SHOW: Text = { ko: '차트를 표로 보기', en: 'The charts as a table' };
const CAPTION: Text = { ko: '최근 15분, 초마다, 최신순', en: 'The last 15 minutes, second by second, newest first' };
const READ: Text = {
  ko: '{t}에 멈춘 표입니다. 차트는 계속됩니다.',
  en: 'As of {t}: the table stands still while the charts go on.',
};
const AGAIN: Text = { ko: '지금 값으로', en: 'Read again' };
const COPY: Text = { ko: '복사', en: 'Copy' };
const COPIED: Text = { ko: '복사했습니다', en: 'Copied' };
const TIME: Text = { ko: '시각', en: 'Time' };

/** The same numbers as the charts. It stands still, so that it can be read and copied. */
export function ChartTable({ samples }: { readonly samples: readonly LiveSample[] }) {
  const shown = useSignal<readonly LiveSample[] | null>(null);
  const readAt = useSignal(0);
  const isCopied = useSignal(false);
  const read = (): void => {
    shown.value = [...samples].reverse();
    readAt.value = Date.now();
    isCopied.value = false;
  };
  return (
    <details
      class="chart-table"
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) read();
        else shown.value = null;
      }}
    >
      <summary>{text(SHOW)}</summary>
      {shown.value !== null && (
        <>
          <div class="actions">
            <span class="muted">
              <Since at={readAt.value} of={READ} />
            </span>
            <button type="button" onClick={read}>
              {text(AGAIN)}
            </button>
            <button
              type="button"
              onClick={() =>
                void navigator.clipboard?.writeText(asText(shown.value ?? [])).then(() => (isCopied.value = true))
              }
            >
              {text(COPY)}
            </button>
            <span role="status">{isCopied.value && text(COPIED)}</span>
          </div>
          <Rows samples={shown.value} />
        </>
      )}
    </details>
  );
}

function Rows({ samples }: { readonly samples: readonly LiveSample[] }) {
  return (
    <div class="table-scroll chart-rows" role="region" aria-label={text(CAPTION)} tabIndex={0}>
      <table>
        <caption>{text(CAPTION)}</caption>
        <thead>
          <tr>
            <th scope="col">{text(TIME)}</th>
            {CHARTS.flatMap(({ unit, series }) =>
              series.map(({ key, name }) => (
                <th key={key} scope="col" class="right">
                  {text(name)} ({text(unit)})
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {samples.map((sample) => (
            <tr key={sample.at}>
              <th scope="row">
                <Since at={sample.at} of={{ ko: '{t}', en: '{t}' }} />
              </th>
              {ALL_SERIES.map(({ key, value }) => (
                <td key={key} class="right number" data-series={key}>
                  {precise(value(sample))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** For a spreadsheet: tabs between values, exact instants, and nothing for what is not known. */
function asText(samples: readonly LiveSample[]): string {
  const head = ['at', ...ALL_SERIES.map(({ key }) => key)];
  const rows = samples.map((sample) => [
    new Date(sample.at).toISOString(),
    ...ALL_SERIES.map(({ value }) => value(sample) ?? ''),
  ]);
  return [head, ...rows].map((row) => row.join('\t')).join('\n');
}
