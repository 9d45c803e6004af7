/** Ids of the kinds that identity providers give, and each form that could be taken for another one on its way. */
export const PROVIDER_IDS: readonly string[] = [
  'auth0|5f7c88b8a1e4d20069f0c3aa',
  'google-oauth2|103547991597142817347',
  'kim.minsu+drop@example.co.kr',
  'urn:example:user:7',
  'https:id',
  '8a1f0c3e-77d2-4a0e-9f0b-6f4b2c1d0e5a',
  '~tilde_=padded==',
  // What a spreadsheet would run, and what begins like an option.
  '=1+1',
  '+821012345678',
  '@sum',
  '--help',
  // Dots that are no segment of a path, and separators alone.
  '...',
  '.hidden',
  '|',
  ':',
  ':a',
  'a:',
  // Ids of other users, but for one character.
  'Auth0|5f7c88b8a1e4d20069f0c3aa',
  'auth0:5f7c88b8a1e4d20069f0c3aa',
  'u'.repeat(128),
  '|'.repeat(128),
];
