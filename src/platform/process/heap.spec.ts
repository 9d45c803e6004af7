import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HEAP_SETTINGS, settingsNotIn } from './heap.js';

describe('the settings of the heap', () => {
  it('are all missing where Node was given none of them', () => {
    expect(settingsNotIn(['--enable-source-maps', '--import', 'x', ''])).toEqual(HEAP_SETTINGS);
  });

  it('stay as the operator gave them, however they are written', () => {
    expect(settingsNotIn(['--max-semi-space-size=16'])).not.toContain('--max-semi-space-size=64');
    expect(settingsNotIn(['--max_semi_space_size', '16'])).not.toContain('--max-semi-space-size=64');
    expect(settingsNotIn(['--memory-reducer', '--heap-growing-percent=0'])).toEqual(['--max-semi-space-size=64']);
    expect(settingsNotIn(['--nomemory-reducer'])).not.toContain('--no-memory-reducer');
  });

  it('are complete after they were added, so that a process is replaced once', () => {
    expect(settingsNotIn([...HEAP_SETTINGS])).toEqual([]);
  });

  it('are those of the image and of npm start, which any Node follows', () => {
    expect(JSON.parse(/^CMD (.*)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1] ?? '')).toEqual([
      'node',
      ...HEAP_SETTINGS,
      'dist/main.js',
    ]);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    const command = `node ${HEAP_SETTINGS.join(' ')} dist/main.js`;
    expect(scripts.start).toBe(`exec ${command} || ${command}`);
  });
});
