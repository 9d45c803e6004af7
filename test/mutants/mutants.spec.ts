import { describe, expect, it } from '@jest/globals';
import { anchorsIn, editedLine } from './anchors.js';
import { MUTANTS } from './mutants.js';

const anchors = anchorsIn('src');
const edits = MUTANTS.flatMap((mutant) => mutant.edits);

describe('the mutants', () => {
  it('have one comment each in src, and every comment has its mutant', () => {
    expect(anchors.map(({ name }) => name).sort()).toEqual(edits.map(({ anchor }) => anchor).sort());
  });

  it.each(edits)('fit the line below the comment: $anchor', (edit) => {
    const anchor = anchors.find(({ name }) => name === edit.anchor);
    expect(anchor).toBeDefined();
    expect(() => editedLine(anchor!, edit)).not.toThrow();
  });
});
