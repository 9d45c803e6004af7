import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { anchorsOf } from './support/markdown.js';

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

it('each trouble that the page of the system names leads to a heading of the runbook', () => {
  const source = text('web/src/console/system/trouble-words.ts');
  const runbooks = [...source.matchAll(/runbook: '([^']+)'/g)].map(([, anchor]) => anchor);
  expect(runbooks).toHaveLength((source.match(/what: /g) ?? []).length - 1);
  const anchors = anchorsOf(text('docs/operations.md'));
  expect(runbooks.filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([]);
});
