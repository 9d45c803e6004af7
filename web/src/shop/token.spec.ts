import { describe, expect, it } from '@jest/globals';
import { nameOf } from './token.ts';

const tokenOf = (payload: object, signature = 's'): string =>
  `eyJ.${btoa(JSON.stringify(payload)).replace(/\+/g, '-').replace(/\//g, '_')}.${signature}`;

describe('the name for what a browser keeps of a user', () => {
  it('is the same for each token of one user, another for another one, and does not tell who it is', () => {
    const first = nameOf(tokenOf({ iss: 'i', sub: 'alice', exp: 1 }));
    expect(nameOf(tokenOf({ iss: 'i', sub: 'alice', exp: 2 }, 't'))).toBe(first);
    expect(nameOf(tokenOf({ iss: 'i', sub: 'bob' }))).not.toBe(first);
    expect(nameOf(tokenOf({ iss: 'j', sub: 'alice' }))).not.toBe(first);
    expect(first).not.toContain('alice');
  });

  it('is of the token itself where that names nobody', () => {
    expect(nameOf('eyJ.x.y')).not.toBe(nameOf('eyJ.x.z'));
    expect(nameOf(tokenOf({ email: 'a' }))).toBe(nameOf(tokenOf({ email: 'a' })));
  });
});
