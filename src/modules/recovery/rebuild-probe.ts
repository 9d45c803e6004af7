import { Injectable } from '@nestjs/common';

/** The steps of a rebuild, in their order; each is named by what is true once it is over. */
export const REBUILD_STEPS = [
  'leased',
  'older-epochs-dropped',
  'quiesced',
  'offsets-read',
  'cut-stored',
  'snapshot-staged',
  'log-read',
  'pending-staged',
  'fence-installed',
  'metas-written',
  'opened',
] as const;

export type RebuildStep = (typeof REBUILD_STEPS)[number];

/** Told of every finished step and awaited. Does nothing; a test puts another one here to stop or kill a rebuild. */
@Injectable()
export class RebuildProbe {
  after(_step: RebuildStep, _epoch: number): Promise<void> {
    return Promise.resolve();
  }
}
