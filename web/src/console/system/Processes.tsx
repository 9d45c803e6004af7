import { language, type Text, text } from '../../shared/language.ts';
import { Time } from '../parts/Time.tsx';
import { duration } from '../search/instants.ts';
import { Facts } from './Panel.tsx';
import { type System } from './words.ts';

const TITLE: Text = { ko: '프로세스', en: 'Processes' };
const INCOMPLETE: Text = {
  ko: '이 답을 만든 프로세스만 알려져 있습니다. 다른 프로세스는 지금 알 수 없습니다.',
  en: 'Only the process that has answered is known. Others cannot be seen now.',
};
const NAMES = {
  instance: { ko: '프로세스', en: 'Process' },
  roles: { ko: '역할', en: 'Roles' },
  version: { ko: '버전', en: 'Version' },
  started: { ko: '시작', en: 'Started' },
  uptime: { ko: '가동 시간', en: 'Up for' },
} as const satisfies Record<string, Text>;
const ANSWERED: Text = { ko: '이 답을 만듦', en: 'has answered' };
const WAITS: Text = { ko: '{role} (대기)', en: '{role} (waits)' };
const OLDER: Text = { ko: '다른 버전', en: 'another version' };

const SERVICE = {
  profile: { ko: '프로필', en: 'Profile' },
  identity: { ko: 'IDENTITY', en: 'IDENTITY' },
  installation: { ko: '설치 이름', en: 'Installation' },
  version: { ko: '서비스 버전', en: 'Service version' },
  node: { ko: 'Node.js', en: 'Node.js' },
} as const satisfies Record<string, Text>;

/** Which processes run, in which roles and versions. */
export function Processes({ report: { processes, service } }: { readonly report: System }) {
  return (
    <section class="panel stack" aria-label={text(TITLE)}>
      <div class="panel-head">
        <h2>{text(TITLE)}</h2>
      </div>
      {!processes.complete && <p class="muted">{text(INCOMPLETE)}</p>}
      <div class="table-scroll" role="region" aria-label={text(TITLE)} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {Object.values(NAMES).map((name) => (
                <th key={name.en} scope="col">
                  {text(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {processes.items.map(({ instance, roles, roleStates, version, startedAt, uptimeMs, answers }) => (
              <tr key={instance}>
                <th scope="row">
                  {instance} {answers && <small class="muted">{text(ANSWERED)}</small>}
                </th>
                <td>
                  {roles.map((role) => (roleStates?.[role] === 'waiting' ? text(WAITS, { role }) : role)).join(', ')}
                </td>
                <td>
                  {version} {version !== service.version && <small class="muted">{text(OLDER)}</small>}
                </td>
                <td>
                  <Time at={startedAt} />
                </td>
                <td class="number">{duration(uptimeMs, language.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Facts
        facts={[
          [SERVICE.version, service.version],
          [SERVICE.node, service.node],
          [SERVICE.profile, service.profile],
          [SERVICE.identity, service.identity],
          [SERVICE.installation, service.installation],
        ]}
      />
    </section>
  );
}
