import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { howToInstall, missingPrograms } from '../../stack/missing-programs.js';
import { signalTo } from '../../stack/server-process.js';
import { Cluster } from '../../test/support/cluster.js';
import { ADMIN_TOKEN } from '../../test/support/service.js';
import { UsageError } from '../usage-error.js';

/** Two apis, of which one may die while the other answers. */
const COUNTS = { apis: 2, workers: 1 };

/** Servers and processes of this rehearsal alone, so that it may kill them. */
export class Installation {
  private constructor(
    readonly cluster: Cluster,
    private readonly root: string,
  ) {}

  /** @throws UsageError if something is missing. */
  static async start(): Promise<Installation> {
    const missing = missingPrograms();
    if (missing.length > 0) throw new UsageError(howToInstall(missing));
    if (!existsSync('dist/main.js')) throw new UsageError('--chaos starts the built service: npm run build first');
    const root = mkdtempSync(join(tmpdir(), 'coupon-rehearsal-'));
    // Everything that is started keeps its files below it.
    process.env.TMPDIR = root;
    const installation = new Installation(await Cluster.start(COUNTS), root);
    // An operator who presses Ctrl-C three times does not wait for anything. Nothing is left behind all the same.
    process.once('exit', () => installation.abandon());
    return installation;
  }

  get urls(): URL[] {
    return this.cluster.apis().map(({ url }) => new URL(url));
  }

  get token(): string {
    return ADMIN_TOKEN;
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }

  private abandon(): void {
    const { redis, kafka, mariadb } = this.cluster.servers;
    const servers = [redis, kafka, mariadb].filter(({ running }) => running);
    for (const { pid } of [...servers, ...this.cluster.members.map(({ process }) => process)]) signalTo(pid, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
