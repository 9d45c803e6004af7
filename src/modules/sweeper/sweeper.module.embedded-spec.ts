import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import '../../../test/support/quiet.js';
import { openRetryStack, portsModuleOf, type RetryStack } from '../../../test/support/retry.js';
import { type Role } from '../../platform/config/config-parts.js';
import { SweeperCron } from './sweeper.cron.js';
import { SweeperModule } from './sweeper.module.js';

let stack: RetryStack;

beforeEach(async () => {
  stack = await openRetryStack();
});

afterEach(() => stack.close());

async function start(...roles: Role[]) {
  const module = await Test.createTestingModule({
    imports: [portsModuleOf(stack), ScheduleModule.forRoot(), SweeperModule.for(new Set(roles))],
  }).compile();
  return module.init();
}

describe('the sweep', () => {
  it('runs every ten seconds and never beside itself, in the role retry only', async () => {
    const idle = await start('api', 'consumer');
    expect(() => idle.get(SweeperCron, { strict: false })).toThrow();
    await idle.close();

    const app = await start('retry');
    const jobs = app.get(SchedulerRegistry, { strict: false }).getCronJobs();
    expect([...jobs.keys()]).toEqual(['pending-sweep']);
    for (const job of jobs.values()) {
      expect(job.waitForCompletion).toBe(true);
      const [first, second] = job.nextDates(2);
      expect((second?.toMillis() ?? 0) - (first?.toMillis() ?? 0)).toBe(10_000);
    }
    await app.close();
  });
});
