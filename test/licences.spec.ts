import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';

/** What `.ci/licences.mjs` says of one dependency with these licences, as npm writes them down. */
function check(...licenses: object[]): { code: number | null; text: string } {
  const input = JSON.stringify({ components: [{ name: 'left-pad', version: '1.0.0', licenses }] });
  const { status, stderr } = spawnSync(process.execPath, ['.ci/licences.mjs', '-'], { input, encoding: 'utf8' });
  return { code: status, text: stderr };
}

describe('the licence of a production dependency', () => {
  it.each([
    [[{ license: { id: 'MIT' } }]],
    [[{ expression: '(MIT OR GPL-3.0-only)' }]],
    [[{ expression: 'MIT AND BSD-3-Clause' }]],
    [[{ license: { id: 'ISC' } }, { license: { id: 'MIT' } }]],
  ])('is taken as %j', (licences) => {
    expect(check(...licences)).toEqual({ code: 0, text: '' });
  });

  it.each([
    [[{ license: { id: 'AGPL-3.0-only' } }], 'AGPL-3.0-only'],
    [[{ expression: '(GPL-2.0-only OR SSPL-1.0)' }], '(GPL-2.0-only OR SSPL-1.0)'],
    [[{ expression: 'MIT AND GPL-3.0-only' }], 'MIT AND GPL-3.0-only'],
    [[{ license: { id: 'MIT' } }, { license: { name: 'SEE LICENSE IN EULA.txt' } }], 'MIT AND SEE LICENSE IN EULA.txt'],
    [[], 'no licence'],
  ])('is refused as %j', (licences, text) => {
    expect(check(...licences)).toEqual({ code: 1, text: `licence not allowed: left-pad 1.0.0: ${text}\n` });
  });

  it('is asked of something: an SBOM without a dependency is a mistake', () => {
    const { status } = spawnSync(process.execPath, ['.ci/licences.mjs', '-'], { input: '{"components":[]}' });
    expect(status).toBe(1);
  });
});
