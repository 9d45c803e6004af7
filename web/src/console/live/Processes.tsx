import { type Text, text } from '../../shared/language.ts';
import { Source } from '../parts/Source.tsx';
import { Time } from '../parts/Time.tsx';
import './live.css';
import { precise } from './numbers.ts';
import { type LiveSample } from './samples.ts';
import { CLAIMS, ISSUED, PER_SECOND, REFUSED } from './series.ts';

const TITLE: Text = { ko: '프로세스', en: 'Processes' };
const SOURCE: Text = {
  ko: '최근 5초 안에 자기 숫자를 알린 프로세스. (GET /api/admin/live, processes)',
  en: 'Those that have reported their numbers in the last 5 s. (GET /api/admin/live, processes)',
};
const NONE: Text = { ko: '알려진 프로세스가 없습니다.', en: 'No process is known.' };
const INSTANCE: Text = { ko: '인스턴스', en: 'Instance' };
const ROLES: Text = { ko: '역할', en: 'Roles' };
const VERSION: Text = { ko: '버전', en: 'Version' };
const SINCE: Text = { ko: '시작', en: 'Started' };

/** Every process of the installation, with what it does for this campaign. */
export function Processes({ sample, isStale }: { readonly sample: LiveSample | null; readonly isStale: boolean }) {
  const processes = sample?.processes ?? [];
  return (
    <section class={isStale ? 'stale' : undefined} aria-labelledby="processes">
      <h2 id="processes">
        {text(TITLE)} <Source of={TITLE} is={SOURCE} />
      </h2>
      {processes.length === 0 ? (
        <p class="muted">{text(NONE)}</p>
      ) : (
        <div class="table-scroll" role="region" aria-label={text(TITLE)} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {[INSTANCE, ROLES, VERSION, SINCE].map((name) => (
                  <th key={name.en} scope="col">
                    {text(name)}
                  </th>
                ))}
                {[CLAIMS, REFUSED, ISSUED].map(({ key, name }) => (
                  <th key={key} scope="col" class="right">
                    {text(name)} ({text(PER_SECOND)})
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {processes.map(({ instance, roles, version, startedAt, rates }) => (
                <tr key={`${instance} ${startedAt}`}>
                  <th scope="row">{instance}</th>
                  <td>{roles.join(', ')}</td>
                  <td>{version}</td>
                  <td>
                    <Time at={startedAt} />
                  </td>
                  {[rates?.claims, rates?.refused, rates?.issued].map((rate, index) => (
                    <td key={index} class="right number">
                      {precise(rate ?? null)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
