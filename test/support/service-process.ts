import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Backend } from './backend.js';
import { eventually } from './eventually.js';
import { PATIENCE_MS } from './patience.js';
import { ADMIN_TOKEN } from './service.js';

const MAIN = resolve('dist/main.js');

/** The built service in its own process, so that a test can kill it. */
export class ServiceProcess {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly startedAt: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /**
   * Starts the process and does not wait for it. `env` is its whole environment, apart from PATH. `args` name another
   * script to run instead, with its arguments. `cwd` may hold a file `.env`; the default has none, so that a
   * developer's own file is not read. `descriptors` limits how many files and connections it can have open.
   */
  static spawn(
    env: Record<string, string>,
    args: readonly string[] = [MAIN],
    cwd = dirname(MAIN),
    descriptors?: number,
  ): ServiceProcess {
    if (!existsSync(MAIN)) throw new Error('the service is not built: run npm run build first');
    const limited = ['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh'];
    const [program = '', ...all] = [...(descriptors === undefined ? [] : limited), process.execPath, ...args];
    const child = spawn(program, all, {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServiceProcess(child, performance.now());
  }

  /** Runs a built command to its end. The parameters are those of {@link spawn}. */
  static async run(
    ...parameters: Parameters<typeof ServiceProcess.spawn>
  ): Promise<{ code: number | null; text: string }> {
    const process = ServiceProcess.spawn(...parameters);
    return { code: await process.exit(), text: process.text };
  }

  /**
   * Starts the process on `port` with its state in `backend`, and waits until it is ready. `args` and `descriptors` as
   * in {@link spawn}.
   */
  static async start(
    backend: Backend,
    port: number,
    env: Record<string, string> = {},
    args?: readonly string[],
    descriptors?: number,
  ): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn(
      { ...backend.env, PORT: String(port), ADMIN_TOKEN, ...env },
      args,
      undefined,
      descriptors,
    );
    try {
      await service.printed(/listening on http/);
      await eventually(async () => {
        const report = await (await fetch(`http://127.0.0.1:${port}/health/ready`)).text();
        if (JSON.parse(report).status !== 'ok') throw new Error(`${report}\n${service.text}`);
      });
    } catch (error) {
      // No other code knows this process, and Jest would wait for it.
      await service.end('SIGKILL');
      throw error;
    }
    return service;
  }

  get text(): string {
    return this.output;
  }

  /** ms since the process was spawned. */
  get age(): number {
    return performance.now() - this.startedAt;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until the output matches. @throws with the output if the process ends first or the deadline passes. */
  async printed(pattern: RegExp): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!pattern.test(this.output)) {
      if (this.ended || performance.now() > deadline) throw new Error(`${pattern} was not printed:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Sends a signal that does not end the process. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  /** Sends the signal and waits for the end. @returns the exit code; null if the signal itself ended the process. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exit();
  }

  /** Waits for the end. */
  async exit(): Promise<number | null> {
    if (!this.ended) await once(this.child, 'close');
    return this.child.exitCode;
  }

  /** The process has ended, by itself or not. */
  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}
