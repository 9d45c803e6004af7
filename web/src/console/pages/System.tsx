import { attempt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { type Text, text } from '../../shared/language.ts';
import { Page } from '../parts/Page.tsx';
import { ProblemNotice } from '../parts/ProblemNotice.tsx';
import { Since } from '../parts/Since.tsx';
import { Time } from '../parts/Time.tsx';
import { usePoll } from '../parts/use-poll.ts';
import { Gate } from '../system/Gate.tsx';
import { Processes } from '../system/Processes.tsx';
import { Servers } from '../system/Servers.tsx';
import '../system/system.css';
import { Troubles } from '../system/Troubles.tsx';

const TITLE: Text = { ko: '시스템', en: 'System' };
const LOADING: Text = { ko: '불러오는 중…', en: 'Loading…' };
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
          <Gate report={data} isStale={isStale} />
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
