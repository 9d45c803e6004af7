import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers } from './leftovers.js';
import { howToInstall, missingPrograms } from './missing-programs.js';
import { NativeStack } from './native-stack.js';
import { runJest } from './run-jest.js';

/** All projects but the faults, which start their own servers; see test/faults/run.ts. */
const PROJECTS = ['adapters', 'e2e, one process', 'e2e, apart', 'pages'];

/** The service's user on the broker; see test/support/backend.ts. */
const SERVICE = { username: 'coupon', password: 'for-tests-only' };

/**
 * Runs Jest with real servers on free ports. In every case the servers are ended at last and their directory is
 * deleted. The servers are native processes even if there is a Docker engine, because the tests kill, freeze and
 * restart them.
 */
async function test(args: readonly string[]): Promise<number> {
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  // Everything that a test makes lies below this directory, also the directories of its own servers; see TMPDIR.
  const root = mkdtempSync(join(tmpdir(), 'coupon-stack-'));
  try {
    const { redis, kafka, mariadb } = await NativeStack.start(root, {}, { kafka: { restricted: SERVICE } });
    const { code } = await runJest({
      config: 'jest.stack.config.js',
      args: args.includes('--selectProjects') ? args : ['--selectProjects', ...PROJECTS, ...args],
      env: {
        TMPDIR: root,
        STACK_REDIS_URL: redis.url,
        STACK_KAFKA_BROKERS: kafka.brokers,
        STACK_KAFKA_RESTRICTED_BROKERS: kafka.restrictedBrokers,
        STACK_DATABASE_URL: mariadb.url,
      },
      show: true,
    });
    return code;
  } finally {
    await endLeftovers(root);
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

try {
  process.exit(await test(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
