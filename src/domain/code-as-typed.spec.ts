import { expect, it } from '@jest/globals';
import { codeAsTyped } from './code-as-typed.js';

it.each([
  ['7K3M9QXT0V1ZBCDE', '7K3M9QXT0V1ZBCDE'],
  ['7k3m9qxt0v1zbcde', '7K3M9QXT0V1ZBCDE'],
  ['7K3M-9QXT-0V1Z-BCDE', '7K3M9QXT0V1ZBCDE'],
  [' 7K3M 9QXT 0V1Z BCDE ', '7K3M9QXT0V1ZBCDE'],
  ['7k3m-9qxt-OvIz-bcde', '7K3M9QXT0V1ZBCDE'],
  ['7K3M9QXToVlZBCDE', '7K3M9QXT0V1ZBCDE'],
  ['01kba0z9m0q3v5h8n2r4t6w8ya', '01KBA0Z9M0Q3V5H8N2R4T6W8YA'],
  // U is in no code, and stands for no other letter.
  ['7K3M9QXT0V1ZBCDU', null],
  ['7K3M9QXT0V1ZBCD', null],
  ['user-1', null],
  ['', null],
])('%j is the code %j', (typed, code) => expect(codeAsTyped(typed)).toBe(code));
