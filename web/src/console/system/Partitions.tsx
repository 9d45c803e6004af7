import { number, type Text, text } from '../../shared/language.ts';
import { type System } from './words.ts';

const CAPTION: Text = { ko: '파티션별 지연', en: 'Lag by partition' };
const NAMES: readonly Text[] = [
  { ko: '파티션', en: 'Partition' },
  { ko: '시작', en: 'Start' },
  { ko: '끝', en: 'End' },
  { ko: '커밋', en: 'Committed' },
  { ko: '지연', en: 'Lag' },
];

/** Offsets of the log. */
export function Partitions({ partitions }: { readonly partitions: NonNullable<System['claimLog']['partitions']> }) {
  return (
    <div class="table-scroll" role="region" aria-label={text(CAPTION)} tabIndex={0}>
      <table>
        <caption>{text(CAPTION)}</caption>
        <thead>
          <tr>
            {NAMES.map((name) => (
              <th key={name.en} scope="col" class="right">
                {text(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ partition, start, end, committed, lag }) => (
            <tr key={partition}>
              {[partition, start, end, committed, lag].map((value, at) => (
                <td key={NAMES[at]?.en} class="right number">
                  {value === null ? '–' : number(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
