import { expect, it } from '@jest/globals';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Drop } from './support/drop.js';

it('closes its own file, and no other that was given its number since', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-drop-'));
  const drop = new Drop('campaign', 1, join(directory, '202.jsonl'));
  drop.close();
  // The lowest number that is free: the one that has just become so.
  const other = openSync(join(directory, 'other'), 'w');
  try {
    drop.close();
    expect(fstatSync(other).size).toBe(0);
  } finally {
    closeSync(other);
    rmSync(directory, { recursive: true, force: true });
  }
});
