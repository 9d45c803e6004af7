import { describe, expect, it } from '@jest/globals';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { Problem } from '../problem/problem.js';
import { etagOf, ifMatch } from './if-match.js';

function refusal(act: () => unknown): ProblemCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as Problem).code;
  }
}

describe('If-Match', () => {
  it.each([
    [etagOf(3), true],
    ['*', true],
    [' "3" ', true],
    ['"1", "3"', true],
    ['W/"3", "3"', true],
    ['"2"', false],
    ['"03"', false],
    ['""', false],
    ['"1,3"', false],
    ['W/"3"', false],
  ])('%j matches version 3: %j', (header, matches) => {
    expect(ifMatch(header)(3)).toBe(matches);
  });

  it.each([
    [undefined, 'precondition-required'],
    ['', 'invalid-if-match'],
    ['3', 'invalid-if-match'],
    ['"3', 'invalid-if-match'],
    ['w/"3"', 'invalid-if-match'],
    ['*, "3"', 'invalid-if-match'],
    ['"3" "4"', 'invalid-if-match'],
    ['"3",', 'invalid-if-match'],
  ])('%j is answered %j', (header, expected) => {
    expect(refusal(() => ifMatch(header))).toBe(expected);
  });

  // A pattern that backtracks would take practically forever.
  it('is judged in linear time', () => {
    expect(refusal(() => ifMatch(`${'"1" , '.repeat(1300)}x`))).toBe('invalid-if-match');
  });
});
