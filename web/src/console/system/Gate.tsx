import { language, type Text, text } from '../../shared/language.ts';
import { NumberWithSource } from '../parts/NumberWithSource.tsx';
import { Time } from '../parts/Time.tsx';
import { duration } from '../search/instants.ts';
import { type FactPair, Facts, Panel } from './Panel.tsx';
import { gateState, type System } from './words.ts';

const TITLE: Text = { ko: '발급 게이트', en: 'Gate' };
const EPOCH: Text = { ko: '세대', en: 'Epoch' };
const EPOCH_FROM: Text = {
  ko: '게이트가 다시 만들어질 때마다 커지는 번호입니다. GET /api/admin/system의 gate.epoch.',
  en: 'Rises each time the gate is rebuilt: gate.epoch of GET /api/admin/system.',
};
const BUILDING: Text = { ko: '다시 만드는 중', en: 'Being rebuilt' };
const YES: Text = { ko: '예', en: 'yes' };
const NO: Text = { ko: '아니요', en: 'no' };
const SCRIPT: Text = { ko: '스크립트', en: 'Script' };
const CURRENT: Text = { ko: '이 빌드의 것', en: 'that of this build' };
const OTHER: Text = { ko: '다른 빌드의 것', en: 'that of another build' };
const SIGNED: Text = { ko: '서명 필수', en: 'Events must be signed' };
const NOT_SIGNED: Text = { ko: '아니요, 서명 없는 이벤트도 받음', en: 'no, unsigned ones count too' };
const SIGNED_SINCE: Text = { ko: '서명 필수 시작', en: 'Events must be signed since' };

const HISTORY: Text = { ko: '다시 만들어진 기록, 최근 20번', en: 'Rebuilds, the last 20' };
const OPENED: Text = { ko: '열린 시각', en: 'Opened' };
const TOOK: Text = { ko: '걸린 시간', en: 'Took' };
const AFTER: Text = { ko: '이전 세대', en: 'After epoch' };
const BY: Text = { ko: '만든 프로세스', en: 'By' };
const NOT_READ: Text = {
  ko: '데이터베이스가 응답하지 않아 기록을 읽을 수 없습니다.',
  en: 'The database does not answer, so the history cannot be read.',
};

/** Whether claims can be admitted, and how often the gate was rebuilt. */
export function Gate({ report, isStale }: { readonly report: System; readonly isStale: boolean }) {
  const { epoch, script, building, rebuilds } = report.gate;
  return (
    <Panel title={TITLE} state={gateState(report)}>
      <div class="figures">
        <NumberWithSource
          label={EPOCH}
          source={EPOCH_FROM}
          value={epoch === null ? null : `${epoch}`}
          isStale={isStale}
        />
      </div>
      <Facts
        facts={[
          [BUILDING, building === null ? null : text(building ? YES : NO)],
          ...(script === null
            ? []
            : [[SCRIPT, `${script.version ?? '?'}, ${text(script.current ? CURRENT : OTHER)}`] as const]),
          ...signing(report),
        ]}
      />
      {rebuilds === null ? <p class="muted">{text(NOT_READ)}</p> : <Rebuilds rebuilds={rebuilds} />}
    </Panel>
  );
}

/** No other program writes to the journal. While the database is away, nothing is known of it. */
function signing({ service, gate: { signedSince, rebuilds } }: System): readonly FactPair[] {
  if (service.profile === 'embedded') return [];
  if (signedSince !== null) return [[SIGNED_SINCE, <Time at={signedSince} />]];
  return [[SIGNED, rebuilds === null ? null : text(NOT_SIGNED)]];
}

function Rebuilds({ rebuilds }: { readonly rebuilds: NonNullable<System['gate']['rebuilds']> }) {
  return (
    <div class="table-scroll" role="region" aria-label={text(HISTORY)} tabIndex={0}>
      <table>
        <caption>{text(HISTORY)}</caption>
        <thead>
          <tr>
            <th scope="col" class="right">
              {text(EPOCH)}
            </th>
            <th scope="col">{text(OPENED)}</th>
            <th scope="col" class="right">
              {text(TOOK)}
            </th>
            <th scope="col" class="right">
              {text(AFTER)}
            </th>
            <th scope="col">{text(BY)}</th>
          </tr>
        </thead>
        <tbody>
          {rebuilds.map(({ epoch, openedAt, ms, after, instance, version }) => (
            <tr key={epoch}>
              <td class="right number">{epoch}</td>
              <td>
                <Time at={openedAt} />
              </td>
              <td class="right number">{ms === null ? '–' : duration(ms, language.value)}</td>
              <td class="right number">{after ?? '–'}</td>
              <td>
                {instance ?? '–'} <small class="muted">{version}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
