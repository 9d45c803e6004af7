import { Injectable } from '@nestjs/common';

/** The steps of a rebuild, in their order. The name says what is true after the step. */
export const REBUILD_STEPS = [
  'leased',
  'older-epochs-dropped',
  'quiesced',
  'offsets-read',
  'cut-stored',
  'snapshot-staged',
  'log-read',
  'pending-staged',
  'left-taken-over',
  'fence-installed',
  'metas-written',
  'opened',
] as const;

export type RebuildStep = (typeof REBUILD_STEPS)[number];

/** The rebuilder awaits it after every step. Does nothing; a test replaces it to stop or kill a rebuild. */
@Injectable()
export class RebuildProbe {
  after(_step: RebuildStep, _epoch: number): Promise<void> {
    return Promise.resolve();
  }
}
