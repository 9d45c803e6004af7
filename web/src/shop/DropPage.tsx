import { useEffect, useMemo } from 'preact/hooks';
import { instant, language, locale, number, text } from '../shared/language.ts';
import { Announcer } from './Announcer.tsx';
import { ClaimPanel } from './ClaimPanel.tsx';
import { nameOf } from './campaign-name.ts';
import { Countdown } from './Countdown.tsx';
import { Drop } from './drop.ts';
import { tellState } from './embedding.ts';
import { identifyFor } from './identify.ts';
import { Stock } from './Stock.tsx';
import { PHASES, T } from './texts.ts';

/** One drop, from the countdown to the code. */
export function DropPage({ id }: { readonly id: string }) {
  const drop = useMemo(() => new Drop(id), [id]);
  useEffect(() => drop.start(), [drop]);
  useEffect(() => identifyFor(drop), [drop]);
  const campaign = drop.campaign.value;
  const phase = drop.phase.value;
  const view = drop.claim.value;
  const reason = view.kind === 'refused' ? view.code : view.kind === 'waiting' ? view.reason : null;
  useEffect(() => tellState(phase, view.kind, reason), [phase, view.kind, reason]);
  // A drop may be paused before its start, and may go on before it.
  const isBefore = phase === 'scheduled' || (phase === 'paused' && (drop.left.value ?? 0) > 0);
  useEffect(() => {
    document.title = nameOf(campaign) ?? text(T.brand);
  }, [campaign?.name, language.value]);
  return (
    <article class={`ticket ${phase}`} aria-labelledby="drop-name">
      <div class="ticket-top">
        <p class={`status ${phase}`}>
          <span class="dot" aria-hidden="true" />
          {text(PHASES[phase])}
        </p>
        <h1 id="drop-name" dir="auto">
          {nameOf(campaign) ?? (phase === 'missing' ? id : '\u00a0')}
        </h1>
        <div class="stage">
          {isBefore || !campaign ? (
            phase !== 'missing' && <Countdown left={drop.left.value} />
          ) : phase === 'closed' || phase === 'ended' ? null : (
            <Stock remaining={campaign.remaining} total={campaign.total} />
          )}
        </div>
        <p class="window muted">
          {campaign &&
            (isBefore
              ? text(T.opensAt, { at: instant(campaign.startsAt) })
              : campaign.endsAt === null
                ? '\u00a0'
                : text(T.endsAt, { at: instant(campaign.endsAt) }))}
        </p>
      </div>
      <div class="tear" aria-hidden="true" />
      <section class="stub" aria-busy={drop.claim.value.kind === 'asking'}>
        <ClaimPanel drop={drop} />
      </section>
      <ClockLine drop={drop} />
      <AwayLine drop={drop} />
      <OutdatedLine drop={drop} />
      <Announcer drop={drop} />
    </article>
  );
}

/** The clock that everything here goes by, and how exact it is. */
function ClockLine({ drop }: { readonly drop: Drop }) {
  const [now, error] = [drop.now.value, drop.error.value];
  return (
    <p class="clock muted number">
      {now === null || error === null
        ? text(T.clockUnknown)
        : text(T.clock, { at: timeOf(now), error: secondsOf(error) })}
    </p>
  );
}

function AwayLine({ drop }: { readonly drop: Drop }) {
  const away = drop.away.value;
  if (away === null) return null;
  return (
    <p class="away" role="alert">
      {away.since === null ? text(T.awayFirst) : text(T.away, { at: timeOf(away.since) })}
    </p>
  );
}

/** A page that is older than the service goes on working. A claim that runs is not interrupted for it. */
function OutdatedLine({ drop }: { readonly drop: Drop }) {
  const { kind } = drop.claim.value;
  const isShown = drop.isOutdated.value && kind !== 'asking' && kind !== 'proving' && kind !== 'waiting';
  return (
    <p class={isShown ? 'outdated' : ''} role="status">
      {isShown && (
        <>
          {text(T.outdated)}{' '}
          <button type="button" onClick={() => location.reload()}>
            {text(T.reload)}
          </button>
        </>
      )}
    </p>
  );
}

/** One digit that counts, and no more exact than is known. @param ms */
const secondsOf = (ms: number): string => number(Math.ceil(ms / 10) / 100);

const timeOf = (ms: number): string => new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium' }).format(ms);
