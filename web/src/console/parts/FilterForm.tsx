import { useSignal } from '@preact/signals';
import { type ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { type Text, text } from '../../shared/language.ts';
import './desk.css';
import { addressOf, type Filters, filtersIn, instantOf, localOf } from './filters.ts';

const APPLY: Text = { ko: '적용', en: 'Apply' };
const CLEAR: Text = { ko: '필터 지우기', en: 'Clear filters' };

const NO_FILTERS: Filters<never> = {};

/**
 * The filters of a list, which stand in the address: a view can be sent to a colleague, and "back" works.
 * @param again what to do when the same filters are applied once more.
 */
export function useFilters<Name extends string>(
  names: readonly Name[],
  again: () => void,
): { readonly filters: Filters<Name>; readonly apply: (filters: Filters<Name>) => void } {
  const { path, query, route } = useLocation();
  const filters = filtersIn(names, query);
  const apply = (next: Filters<Name>): void => {
    if (addressOf(path, next) === addressOf(path, filters)) again();
    else route(addressOf(path, next));
  };
  return { filters, apply };
}

/** What an input of the form needs. */
export interface FilterInput {
  readonly name: string;
  readonly value: string;
  readonly autocomplete: 'off';
  readonly onInput: (event: { readonly currentTarget: { readonly value: string } }) => void;
}

interface FilterFormProps<Name extends string> {
  readonly filters: Filters<Name>;
  readonly onApply: (filters: Filters<Name>) => void;
  /** Those that are instants: the form has them in local time. */
  readonly instants?: readonly Name[];
  /** On the button; without it "Apply". */
  readonly verb?: Text;
  /** The fields: `(input) => <input {...input('userId')} />`. */
  readonly children: (input: (name: Name) => FilterInput) => ComponentChildren;
}

/** Filters are applied together, with Enter or the button, so that no half-typed text is asked of the API. */
export function FilterForm<Name extends string>(props: FilterFormProps<Name>) {
  const { filters, onApply, instants, verb = APPLY, children } = props;
  const applied = JSON.stringify(filters);
  // What was typed belongs to the filters that were in force then. An effect that resets the fields when the filters
  // change would run after the page is painted, and take away what was typed before it ran.
  const edit = useSignal<{ readonly applied: string; readonly typed: Filters<Name> } | null>(null);
  const typed = (): Filters<Name> => (edit.value?.applied === applied ? edit.value.typed : filters);
  const submit = (next: Filters<Name>): void => {
    edit.value = null;
    onApply(next);
  };
  const isInstant = (name: Name): boolean => instants?.includes(name) === true;
  const input = (name: Name): FilterInput => ({
    name,
    value: isInstant(name) ? localOf(typed()[name]) : (typed()[name] ?? ''),
    autocomplete: 'off',
    onInput: ({ currentTarget: { value } }) => {
      edit.value = { applied, typed: { ...typed(), [name]: isInstant(name) ? instantOf(value) : value } };
    },
  });
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit(typed());
      }}
    >
      {children(input)}
      <div class="actions">
        <button type="submit">{text(verb)}</button>
        {Object.keys(filters).length > 0 && (
          <button type="button" class="plain" onClick={() => submit(NO_FILTERS)}>
            {text(CLEAR)}
          </button>
        )}
      </div>
    </form>
  );
}
