import { type Schemas } from '../api/client.ts';

type Campaign = Schemas['Campaign'];

/** What a sample of the stream changes. An api of the version before sends no terms: then what was read holds. */
export function withSample(known: Campaign, { at: _, ...sample }: Schemas['PublicLiveSample']): Campaign {
  const { state, remaining, soldOutAt } = sample;
  return sample.version < known.version ? { ...known, state, remaining, soldOutAt } : { ...known, ...sample };
}

/** What a read changes. It may be older than a sample: an api answers with what it has read within the last second. */
export function withRead(known: Campaign | null | undefined, read: Campaign): Campaign {
  return known && read.version < known.version ? known : read;
}
