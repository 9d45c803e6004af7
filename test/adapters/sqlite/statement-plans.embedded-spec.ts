import { expect, it } from '@jest/globals';
import { openEmbeddedStack, storeCampaign } from '../../support/embedded.js';
import { ASKED, lookAtEveryStatement, type Statement } from '../../support/every-statement.js';

/** The plan of a statement, line by line. */
interface PlanLine {
  readonly detail: string;
}

/** Its answer is every row, of a table that has some for each rebuild. */
const ASKS_FOR_ALL = new Set(['gate.epochsWithCut']);

/** `proveWritable` opens a savepoint; SQLite plans no such statement. */
const PLANNED = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;

/**
 * SQLite scans a table or a whole index, and not a part of it. Without WHERE, a LIMIT ends the scan. Subqueries have names
 * of their own, and hold what their LIMIT lets through.
 */
function scans(of: string, { detail }: PlanLine, sql: string): boolean {
  if (ASKS_FOR_ALL.has(of)) return false;
  if (
    !/^SCAN (campaigns|campaign_creations|coupons|failed_events|gate|gate_cuts|admin_audit|api_keys|f|c)\b/.test(detail)
  ) {
    return false;
  }
  return /\bWHERE\b/i.test(sql) || !/\bLIMIT\b/i.test(sql);
}

it('no statement of the stores scans a table in SQLite', async () => {
  const stack = await openEmbeddedStack();
  try {
    await storeCampaign(stack, { id: ASKED });
    await storeCampaign(stack, { id: 'other' });
    const found: string[] = [];
    const statements: Statement[] = [];
    await stack.connection.exclusive(async (runner) => {
      await runner.query('BEGIN IMMEDIATE');
      await lookAtEveryStatement(runner, (statement, run) => {
        statements.push(statement);
        return run();
      });
      await runner.query('ROLLBACK');
      // Afterwards: a plan that is read within the transaction leaves a statement open, and no savepoint begins then.
      for (const { of, sql, parameters } of statements.filter((statement) => PLANNED.test(statement.sql))) {
        const plan = (await runner.query(`EXPLAIN QUERY PLAN ${sql}`, [...parameters])) as PlanLine[];
        for (const line of plan) if (scans(of, line, sql)) found.push(`${of}: ${line.detail}\n${sql}`);
      }
    });
    expect(found).toEqual([]);
    expect(new Set(statements.map(({ of }) => of)).size).toBeGreaterThan(40);
  } finally {
    await stack.close();
  }
});
