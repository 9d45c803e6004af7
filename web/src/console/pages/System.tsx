import { attempt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { Time } from '../parts/Time.tsx';
import { usePoll } from '../parts/use-poll.ts';
import { Gate } from '../system/Gate.tsx';
import { Processes } from '../system/Processes.tsx';
import { Servers } from '../system/Servers.tsx';
import '../system/system.css';
import { type System as Report, troublesOf } from '../system/words.ts';

const TITLE: Text = { ko: '시스템', en: 'System' };
const LOADING: Text = { ko: '불러오는 중…', en: 'Loading…' };
const WELL: Text = { ko: '모두 응답합니다. 신청을 받을 수 있습니다.', en: 'All parts answer. Claims can be taken.' };
const SINCE: Text = { ko: '부터', en: 'since' };
const LOST: Text = {
  ko: '{t}부터 답이 없습니다. 아래 값은 그 전의 것입니다.',
  en: 'No answer since {t}. What stands below is of before.',
};
const LOOKED: Text = { ko: '확인한 시각', en: 'Looked at' };

const EVERY_MS = 5_000;

/** Gate, servers and processes: what is up, what is away and since when. */
export default function System() {
  const { data, failure, lostSince } = usePoll(() => attempt(api.GET('/api/admin/system')), EVERY_MS);
  const isStale = lostSince !== null;
  return (
    <Page title={TITLE}>
      <ProblemNotice failure={failure}>
        {data !== null && lostSince !== null && (
          <p>
            <Since at={lostSince} of={LOST} />
          </p>
        )}
      </ProblemNotice>
      {data === null ? (
        failure === null && <p class="muted">{text(LOADING)}</p>
      ) : (
        <div class={isStale ? 'stack system stale' : 'stack system'}>
          {!isStale && <Troubles report={data} />}
          <Gate gate={data.gate} isStale={isStale} />
          <Servers report={data} isStale={isStale} />
          <Processes report={data} />
          <small class="muted">
            {text(LOOKED)} <Time at={data.at} />
          </small>
        </div>
      )}
    </Page>
  );
}

/** It has its height also when all is well, so that nothing jumps. */
function Troubles({ report }: { readonly report: Report }) {
  const troubles = troublesOf(report);
  if (troubles.length === 0) {
    return (
      <div class="notice good" role="status">
        <Icon name="good" />
        <div>{text(WELL)}</div>
      </div>
    );
  }
  return (
    <div class="notice bad" role="status">
      <Icon name="bad" />
      <div>
        {troubles.map(({ what, since, why }) => (
          <p key={what.en}>
            <strong>{text(what)}</strong>{' '}
            {since !== null && (
              <>
                <Time at={since} /> {text(SINCE)}{' '}
              </>
            )}
            {why !== null && <code>{why}</code>}
          </p>
        ))}
      </div>
    </div>
  );
}
