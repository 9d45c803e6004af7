import { type ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';
import './parts.css';

/** What the input of a field needs, so that screen readers tell its hint and its mistake. */
export interface FieldAttributes {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
}

interface FieldProps {
  readonly label: Text;
  readonly hint?: Text | string | undefined;
  /** What the API said of the value: `mistakeAt(failure, '/name')`. */
  readonly mistake?: string | undefined;
  /** `{(attributes) => <input {...attributes} … />}` */
  readonly children: (attributes: FieldAttributes) => ComponentChildren;
}

/** One value of a form: what it is, what it may be, and what the API said of it. */
export function Field({ label, hint, mistake, children }: FieldProps) {
  const id = useId();
  const described = [hint === undefined ? [] : `${id}-hint`, mistake === undefined ? [] : `${id}-mistake`].flat();
  return (
    <div class="field">
      <label for={id}>{text(label)}</label>
      {children({
        id,
        'aria-describedby': described.length === 0 ? undefined : described.join(' '),
        'aria-invalid': mistake !== undefined,
      })}
      {hint !== undefined && (
        <small id={`${id}-hint`} class="muted">
          {typeof hint === 'string' ? hint : text(hint)}
        </small>
      )}
      {mistake !== undefined && (
        <p id={`${id}-mistake`} class="mistake">
          {mistake}
        </p>
      )}
    </div>
  );
}

/** After a refusal: the operator goes on typing at the first value that the API has refused. */
export function focusFirstMistake(form: HTMLElement | null): void {
  // The mistakes are drawn first.
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}
