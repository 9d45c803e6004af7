import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';
import { Field } from '../parts/Field.tsx';
import { zonedInstant } from '../parts/Time.tsx';
import { offsetOf, stepOf, zoneName } from './local-instant.ts';

const HALF: Text = {
  ko: '아직 다 입력되지 않았습니다. 날짜와 시각을 모두 넣거나, 모두 비워 주세요.',
  en: 'Not complete yet: give date and time, or neither.',
};
/** The API knows no later year, and a browser without this offers six digits for it. */
const LATEST = '9999-12-31T23:59:59';

interface InstantFieldProps {
  readonly name: 'startsAt' | 'endsAt';
  readonly label: Text;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly isRequired: boolean;
  /** What it means when nothing is typed. */
  readonly empty: Text | undefined;
  readonly mistake: string | undefined;
}

/** Date and time in the zone of the operator's device, which stands below with the instant that was typed. */
export function InstantField({ name, label, value, onInput, isRequired, empty, mistake }: InstantFieldProps) {
  // Seconds are asked for only where the form was opened with some: they must not be lost.
  const step = useRef(stepOf(value)).current;
  const isHalf = useSignal(false);
  const look = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
    isHalf.value = currentTarget.validity.badInput;
  };
  return (
    <Field label={label} hint={isHalf.value ? HALF : whenOf(value, empty)} mistake={mistake}>
      {(attributes) => (
        <input
          {...attributes}
          name={name}
          type="datetime-local"
          step={step}
          max={LATEST}
          required={isRequired}
          value={value}
          onInput={(event) => {
            look(event);
            onInput(event.currentTarget.value);
          }}
          // Half an instant is no value, and its typing no input.
          onKeyUp={look}
          onBlur={look}
        />
      )}
    </Field>
  );
}

/** The instant that was typed, with the offset of the zone on that day; or what an empty input means. */
function whenOf(typed: string, empty: Text | undefined): string {
  const date = typed === '' ? new Date() : new Date(typed);
  if (Number.isNaN(date.getTime())) return zoneName();
  const zone = `${zoneName()}, ${offsetOf(date)}`;
  if (typed !== '') return `${zonedInstant(date)} (${zone})`;
  return `${empty === undefined ? '' : `${text(empty)} `}(${zone})`;
}
