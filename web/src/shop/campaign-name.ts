import { type Schemas } from '../api/client.ts';
import { text } from '../shared/language.ts';
import { T } from './texts.ts';

/** The campaign of the first start is called after its id, which is no name for people. */
export function nameOf(campaign: Schemas['Campaign'] | null | undefined): string | undefined {
  return campaign?.name === 'default' ? text(T.brand) : campaign?.name;
}
