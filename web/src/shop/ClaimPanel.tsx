import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { instant, number, text } from '../shared/language.ts';
import { type ClaimView } from './claim-run.ts';
import { type OwnClaim } from './claim-steps.ts';
import { Code } from './Code.tsx';
import { type Drop } from './drop.ts';
import { isEmbedded } from './embedding.ts';
import { endsTooSoon } from './identify.ts';
import { NameForm } from './NameForm.tsx';
import { isOpenedAgain, isRepeatable, refusalText } from './refusal-text.ts';
import { NO_BUTTON, REASONS, T } from './texts.ts';

/** The lower part of the ticket: the button, and what came of it. */
export function ClaimPanel({ drop }: { readonly drop: Drop }) {
  const view = drop.claim.value;
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef<ClaimView['kind']>(view.kind);
  useLayoutEffect(() => {
    // The button is gone, so the focus would be lost with it.
    const isOutcome = view.kind !== 'none' && view.kind !== before.current;
    if (isOutcome && (document.activeElement === document.body || document.activeElement === null)) {
      heading.current?.focus();
    }
    before.current = view.kind;
  }, [view.kind]);
  const title = (words: string) => (
    <h2 ref={heading} tabIndex={-1} class="outcome">
      {words}
    </h2>
  );
  switch (view.kind) {
    case 'none':
      return <Ask drop={drop} />;
    case 'asking':
    case 'proving':
      return (
        <div class="panel-body">
          <Spinner />
          {title(text(view.kind === 'asking' ? T.asking : T.proving))}
          <p class="muted">{text(T.askingMore)}</p>
          <Name drop={drop} />
        </div>
      );
    case 'waiting':
      return (
        <div class="panel-body">
          <Spinner />
          {title(text(REASONS[view.reason]))}
          <NextTry until={view.until} drop={drop} />
          <button type="button" class="quiet" onClick={() => drop.giveUp()}>
            {text(T.giveUp)}
          </button>
        </div>
      );
    case 'accepted':
      return (
        <div class="panel-body good">
          {title(text(T.accepted))}
          <Number claim={view.claim} />
          <p class="muted">{text(T.acceptedMore)}</p>
        </div>
      );
    case 'issued':
      return (
        <div class="panel-body good">
          {title(text(T.issued))}
          <Number claim={view.claim} />
          {view.code === null ? <p>{text(T.noCode)}</p> : <Code code={view.code} />}
          <p class="muted">{text(T.issuedAt, { at: instant(view.issuedAt) })}</p>
          <Name drop={drop} canChange />
        </div>
      );
    case 'signed-out':
      return (
        <div class="panel-body warn">
          {title(text(T.accepted))}
          <Number claim={view.claim} />
          <p>{text(T.signedOutMore)}</p>
        </div>
      );
    case 'failed':
    case 'gone':
      return (
        <div class="panel-body warn">
          {title(text(view.kind === 'failed' ? T.failed : T.gone))}
          <Number claim={view.claim} />
          <p>{text(view.kind === 'failed' ? T.failedMore : T.goneMore)}</p>
        </div>
      );
    case 'refused':
      return (
        <div class="panel-body warn">
          {title(text(view.code === 'already-claimed' ? T.alreadyClaimed : T.refused))}
          <p>{refusalText(view.code)}</p>
          {view.claim !== undefined && <Number claim={view.claim} />}
          {(isRepeatable(view.code) || (drop.phase.value === 'open' && isOpenedAgain(view.code))) && (
            <button type="button" class="primary claim" onClick={() => drop.press()}>
              {text(T.claimAgain)}
            </button>
          )}
          <Name drop={drop} canChange />
        </div>
      );
  }
}

/** Before the click. */
function Ask({ drop }: { readonly drop: Drop }) {
  const tooEarly = useSignal(false);
  const phase = drop.phase.value;
  const campaign = drop.campaign.value;
  const service = drop.service.value;
  const none = NO_BUTTON[phase];
  if (none !== undefined) {
    return (
      <div class="panel-body">
        <p class="verdict">{text(none)}</p>
      </div>
    );
  }
  if (service?.identity === 'key') return <p class="verdict">{text(T.byShop)}</p>;
  if (service?.identity === 'jwt' && drop.who.value === null) return <p class="verdict">{text(T.signIn)}</p>;
  const isOpenNow = isOpen(drop);
  if (isOpenNow && tooEarly.value) tooEarly.value = false;
  const press = (): void => {
    tooEarly.value = !drop.press();
  };
  const label = isOpenNow || !campaign ? text(T.claim) : text(T.opensAt, { at: instant(campaign.startsAt) });
  // The button keeps its place and the focus before the start: only what it does changes.
  const button = (
    <button type="submit" class="primary claim" aria-disabled={!isOpenNow} aria-describedby="claim-note">
      {label}
    </button>
  );
  return (
    <NameForm drop={drop} onReady={press}>
      {button}
      <p id="claim-note" class="note" role="status">
        {tooEarly.value ? text(T.tooEarly) : noteOf(drop)}
      </p>
    </NameForm>
  );
}

const isOpen = ({ phase }: Drop): boolean => phase.value === 'open' || phase.value === 'reserved';

/** What the page does before the click. */
function noteOf(drop: Drop): string {
  const state = drop.entryState.value;
  if (state !== 'none') return text(state === 'working' ? T.proving : T.entryReady);
  const who = drop.who.value;
  if (who?.kind !== 'token') return '';
  // A frame asks for another token by itself.
  const isShort = !isEmbedded && drop.phase.value === 'scheduled' && endsTooSoon(drop, who.token);
  return text(isShort ? T.signInEnds : T.signedIn);
}

function Number({ claim }: { readonly claim: OwnClaim }) {
  return <p class="place number">{text(T.number, { n: number(claim.sequence) })}</p>;
}

function Name({ drop, canChange = false }: { readonly drop: Drop; readonly canChange?: boolean }) {
  const who = drop.who.value;
  if (who?.kind !== 'name') return null;
  return (
    <p class="who muted">
      {text(T.asName, { name: who.userId })}{' '}
      {canChange && (
        <button type="button" class="link" onClick={() => drop.forgetWho()}>
          {text(T.otherName)}
        </button>
      )}
    </p>
  );
}

function NextTry({ until, drop }: { readonly until: number; readonly drop: Drop }) {
  // Read for the tick of the clock, which draws this again each second.
  const seconds = drop.now.value === null ? 0 : Math.ceil((until - performance.now()) / 1_000);
  return (
    <p class="muted number" aria-hidden="true">
      {seconds > 1 ? text(T.nextTry, { n: seconds }) : '\u00a0'}
    </p>
  );
}

const Spinner = () => <span class="spinner" aria-hidden="true" />;
