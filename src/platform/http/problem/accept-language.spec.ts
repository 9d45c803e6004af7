import { describe, expect, it } from '@jest/globals';
import { languageOf } from './accept-language.js';

describe('the language of an answer', () => {
  it.each([
    [undefined, 'ko'],
    ['', 'ko'],
    ['en', 'en'],
    ['en-US', 'en'],
    ['EN-gb;q=0.3', 'en'],
    ['ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7', 'ko'],
    ['en-US,en;q=0.9,ko;q=0.8', 'en'],
    ['ko;q=0.5, en;q=0.9', 'en'],
    ['en, ko', 'ko'],
    ['en;q=0', 'ko'],
    ['en;q=0.000, ko;q=0', 'ko'],
    ['ko;q=0, *', 'en'],
    ['*', 'ko'],
    ['fr, *;q=0.5, en;q=0.8', 'en'],
    ['en;q=0.5, *;q=0.8', 'ko'],
    ['fr-CA, ja', 'ko'],
    [' en ; q=0.5 ,, ', 'en'],
    ['en;q=2', 'ko'],
    ['en;q=high', 'ko'],
    ['en;level=1', 'ko'],
    ['engl!sh', 'ko'],
    ['en, q', 'en'],
  ])('for %j is %s', (header, expected) => {
    expect(languageOf(header)).toBe(expected);
    expect(languageOf(header)).toBe(expected);
  });

  it('stays right when more different headers come than the cache holds', () => {
    for (let i = 0; i < 1000; i++) {
      expect(languageOf(`en, x-${i}`)).toBe('en');
      expect(languageOf(`ko, x-${i}`)).toBe('ko');
    }
  });
});
