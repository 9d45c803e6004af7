import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

const SCRIPTS = new URL('./scripts/', import.meta.url);
const text = (file: string) => readFileSync(new URL(file, SCRIPTS), 'utf8');

it('a user is asked about every command that a script of the gate uses', () => {
  const asked = new Set([...text('check-access-2.lua').matchAll(/\{'([A-Z]+)'/g)].map(([, command]) => command));
  const used = readdirSync(SCRIPTS).flatMap((file) =>
    [...text(file).matchAll(/redis\.p?call\('([A-Za-z]+)'/g)].map(([, command]) => command?.toUpperCase()),
  );
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter((command) => !asked.has(command))).toEqual([]);
});
