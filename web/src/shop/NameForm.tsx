import { useSignal } from '@preact/signals';
import { type ComponentChildren } from 'preact';
import { text } from '../shared/language.ts';
import { type Drop } from './drop.ts';
import { identifyByName, isName, keptName } from './identify.ts';
import { T } from './texts.ts';

/** With `IDENTITY=open` it asks for a name; otherwise it is the button alone. */
export function NameForm(props: {
  readonly drop: Drop;
  readonly onReady: () => void;
  readonly children: ComponentChildren;
}) {
  const { drop, onReady } = props;
  const identity = drop.service.value?.identity ?? 'open';
  const known = drop.who.value;
  const name = useSignal(known?.kind === 'name' ? known.userId : (keptName() ?? ''));
  const isWrong = useSignal(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (identity !== 'open') return onReady();
    const wanted = name.value.trim();
    isWrong.value = !isName(wanted);
    if (isWrong.value) {
      document.getElementById('name')?.focus();
      return;
    }
    const isSame = known?.kind === 'name' && known.userId === wanted;
    if (!isSame) identifyByName(drop, wanted);
    // The browser may know of a claim of this name already, and goes on with it.
    if (drop.claim.value.kind === 'none') onReady();
  };
  /** The challenge of the campaign is for a name, so it can begin when the name is there. */
  const prepare = (): void => {
    const wanted = name.value.trim();
    if (drop.campaign.value?.requireEntry !== true || !isName(wanted)) return;
    if (known?.kind !== 'name' || known.userId !== wanted) identifyByName(drop, wanted);
    void drop.prepareEntry();
  };
  return (
    <form class="panel-body" noValidate onSubmit={submit}>
      {identity === 'open' && (
        <div class="field">
          <label for="name">{text(T.name)}</label>
          <input
            id="name"
            name="name"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            maxLength={128}
            value={name.value}
            aria-describedby="name-hint"
            aria-invalid={isWrong.value}
            onChange={() => prepare()}
            onInput={({ currentTarget }) => (name.value = currentTarget.value)}
          />
          <p
            id="name-hint"
            class={isWrong.value ? 'hint bad' : 'hint muted'}
            role={isWrong.value ? 'alert' : undefined}
          >
            {text(isWrong.value ? T.nameWrong : T.nameHint)}
          </p>
        </div>
      )}
      {props.children}
    </form>
  );
}
