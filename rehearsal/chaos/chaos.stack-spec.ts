import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { startChild } from '../../test/support/child-process.js';
import { type Report } from '../report.js';

it('keeps every promise while servers and processes are killed and frozen, and marks it', async () => {
  const out = mkdtempSync(join(tmpdir(), 'coupon-rehearsal-'));
  const child = startChild(new URL('../rehearse.ts', import.meta.url), [
    ...['--chaos', '--users', '3000', '--total', '2500', '--duration', '25', '--seed', '3', '--out', out],
  ]);
  try {
    const [code] = (await once(child.process, 'close')) as [number | null];
    expect({ code, text: child.lines().join('\n'), errors: child.errors() }).toMatchObject({ code: 0 });
    const report = JSON.parse(readFileSync(join(out, 'certificate.json'), 'utf8')) as Report;
    expect(report).toMatchObject({ verdict: 'kept', figures: { coupons: 2_500 }, service: { profile: 'distributed' } });
    // A strike has to be seen to have struck.
    expect(report.marks.length).toBeGreaterThanOrEqual(4);
    const unanswered = Object.entries(report.figures.answers).filter(([word]) => /^503|^no answer/.test(word));
    expect(unanswered).not.toEqual([]);
    const page = readFileSync(join(out, 'certificate.html'), 'utf8');
    for (const { deed, target } of report.marks) expect(page).toContain(`${target} ${deed}`);
  } finally {
    if (child.process.exitCode === null && child.process.signalCode === null) await child.kill('SIGTERM');
    rmSync(out, { recursive: true, force: true });
  }
});
