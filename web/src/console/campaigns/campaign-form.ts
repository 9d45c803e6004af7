import { type Schemas } from '../../api/client.ts';
import { inputOfInstant, instantOfInput } from './local-instant.ts';

/** What the form of a campaign holds: each input as it was typed. */
export interface CampaignValues {
  readonly name: string;
  readonly total: string;
  /** As `<input type="datetime-local">` holds it; '' is now. */
  readonly startsAt: string;
  /** '' is never. */
  readonly endsAt: string;
  readonly requireEntry: boolean;
  readonly challenge: Schemas['NewCampaign']['challenge'];
  readonly challengeCost: string;
}

type Terms = Pick<
  Schemas['Campaign'],
  'name' | 'total' | 'startsAt' | 'endsAt' | 'requireEntry' | 'challenge' | 'challengeCost'
>;

/** The parts of a campaign that an operator decides, in the order of the form. */
export const TERMS = [
  'name',
  'total',
  'startsAt',
  'endsAt',
  'requireEntry',
  'challenge',
  'challengeCost',
] as const satisfies readonly (keyof Terms)[];

/** Where the API reports the mistakes of a form. */
export const POINTERS = TERMS.map((term) => `/${term}`);

export const NEW_CAMPAIGN: CampaignValues = {
  name: '',
  total: '',
  startsAt: '',
  endsAt: '',
  requireEntry: false,
  challenge: 'none',
  challengeCost: '2000',
};

export function valuesOf({
  name,
  total,
  startsAt,
  endsAt,
  requireEntry,
  challenge,
  challengeCost,
}: Terms): CampaignValues {
  return {
    name,
    total: String(total),
    startsAt: inputOfInstant(startsAt),
    endsAt: inputOfInstant(endsAt),
    requireEntry,
    challenge,
    challengeCost: String(challengeCost),
  };
}

/** A campaign with the same terms that begins at another time: the window of the first one lies in the past. */
export function copyOf(of: Terms, suffix: string): CampaignValues {
  return { ...valuesOf(of), name: `${of.name} ${suffix}`, startsAt: '', endsAt: '' };
}

/** What a call to make it says. Nothing is checked here: the API says what is wrong. */
export function newCampaignOf(values: CampaignValues): Schemas['NewCampaign'] {
  return {
    name: values.name,
    total: integerOf(values.total),
    startsAt: instantOfInput(values.startsAt),
    endsAt: instantOfInput(values.endsAt),
    requireEntry: values.requireEntry,
    challenge: values.challenge,
    challengeCost: integerOf(values.challengeCost),
  };
}

/** What a call to change it says: what the operator has changed since the form was opened, and nothing else. */
export function changeOf(opened: CampaignValues, values: CampaignValues): Schemas['CampaignChange'] {
  const { startsAt, ...terms } = newCampaignOf(values);
  const all = { ...terms, startsAt: startsAt ?? '' };
  return Object.fromEntries(
    TERMS.filter((term) => opened[term] !== values[term]).map((term) => [term, all[term]]),
  ) as Schemas['CampaignChange'];
}

/** A number where it is one. Anything else goes to the API as it is, which says what it should be. */
function integerOf(text: string): number {
  const typed = text.trim().replace(/,/g, '');
  return (/^-?\d{1,15}$/.test(typed) ? Number(typed) : text) as number;
}
