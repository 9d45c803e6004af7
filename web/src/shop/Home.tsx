import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Schemas } from '../api/client.ts';
import { instant, number, text } from '../shared/language.ts';
import { waitAwake } from './browser.ts';
import { nameOf } from './campaign-name.ts';
import { DropPage } from './DropPage.tsx';
import { retryDelayMs } from './claim-steps.ts';
import { phaseOf } from './page-phase.ts';
import { PHASES, T } from './texts.ts';

const DEFAULT = 'default';

/** The one drop that is on, or a list of them. */
export function Home() {
  const campaigns = useSignal<readonly Schemas['Campaign'][] | null>(null);
  useEffect(() => {
    const ended = new AbortController();
    void readCampaigns(ended.signal).then((read) => (campaigns.value = read));
    return () => ended.abort();
  }, [campaigns]);
  if (campaigns.value === null) return <p class="verdict muted">{text(T.awayFirst)}</p>;
  const open = campaigns.value.filter(({ state }) => state !== 'CLOSED' && state !== 'ENDED');
  const [first, second] = open;
  if (second === undefined) {
    const only = first ?? campaigns.value.find(({ id }) => id === DEFAULT) ?? campaigns.value[0];
    return only === undefined ? <p class="verdict">{text(T.listEmpty)}</p> : <DropPage id={only.id} />;
  }
  return (
    <section class="drops">
      <h1>{text(T.listTitle)}</h1>
      <ul>
        {open.map((campaign) => (
          <li key={campaign.id}>
            <DropLink campaign={campaign} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function DropLink({ campaign }: { readonly campaign: Schemas['Campaign'] }) {
  const phase = phaseOf(campaign, null);
  const { id, remaining, total, startsAt } = campaign;
  return (
    <a class="drop-link" href={`drop/${id}`}>
      <span class={`status ${phase}`}>
        <span class="dot" aria-hidden="true" />
        {text(PHASES[phase])}
      </span>
      <strong dir="auto">{nameOf(campaign)}</strong>
      <span class="muted number">
        {phase === 'scheduled'
          ? text(T.opensAt, { at: instant(startsAt) })
          : `${text(T.left)} ${remaining === null ? '–' : number(remaining)} / ${number(total)}`}
      </span>
    </a>
  );
}

async function readCampaigns(signal: AbortSignal): Promise<readonly Schemas['Campaign'][]> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const { data } = await api.GET('/api/campaigns', { signal: AbortSignal.timeout(8_000) });
      if (data !== undefined) return data.items;
    } catch {
      // Asked again.
    }
    await waitAwake(retryDelayMs(attempt, undefined, Math.random()), signal);
  }
  return [];
}
