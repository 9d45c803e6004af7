import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** How long a server may take to start, ms. */
const START_DEADLINE_MS = 60_000;
/**
 * Servers get ports between this and 32768. Linux uses 32768 and above for outgoing connections, other systems 49152
 * and above.
 */
const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 32_000;
/** How often a condition is checked, ms. */
const POLL_MS = 20;

/** The PATH of an ordinary user, and the directories where Debian installs servers. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;

/** The command that starts a server. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * One real server with its own process, directory and port, which a test starts, stops, freezes and kills. If it
 * outlives the process that started it, {@link endLeftovers} ends it.
 */
export abstract class ServerProcess {
  private child: ChildProcess | undefined;

  constructor(
    /** Holds the data, the log and the pid. The server can be started on it again. */
    readonly directory: string,
    readonly port: number,
  ) {}

  /** The command of the server; called at every start. */
  protected abstract command(): Command;

  /** True as soon as the server works. A rejection means "not yet". */
  protected abstract serves(): Promise<boolean>;

  /** Prepares what the first start needs; called at every start. */
  protected prepare(): Promise<void> {
    return Promise.resolve();
  }

  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined || !this.running) throw new Error(`${this.directory}: the server does not run`);
    return pid;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  get logFile(): string {
    return join(this.directory, 'server.log');
  }

  /** Starts the server and waits until it works. @throws with the end of its log if it does not start. */
  async start(): Promise<this> {
    await this.spawn();
    await this.ready();
    return this;
  }

  /** Starts the server and does not wait. */
  async spawn(): Promise<void> {
    if (this.running) throw new Error(`${this.directory}: the server runs already`);
    mkdirSync(this.directory, { recursive: true });
    await this.prepare();
    const { program, args, env } = this.command();
    const log = openSync(this.logFile, 'a');
    try {
      // Its own process group: Ctrl-C at a terminal then ends only the process that started it, which ends the servers.
      this.child = spawn(program, args, {
        cwd: this.directory,
        env: { ...process.env, PATH: SEARCH_PATH, ...env },
        stdio: ['ignore', log, log],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    const failed = once(this.child, 'error').then(([error]) => Promise.reject(error as Error));
    await Promise.race([once(this.child, 'spawn'), failed]);
    this.child.unref();
    writeFileSync(join(this.directory, PID_FILE), String(this.child.pid));
  }

  /** Waits until the server works. */
  async ready(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (!(await this.serves().catch(() => false))) {
      if (!this.running || Date.now() > deadline) {
        await this.kill();
        throw new Error(`the server in ${this.directory} did not come up:\n${this.log.slice(-2_000)}`);
      }
      await pause(POLL_MS);
    }
  }

  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** Ends the server in order. A frozen server is woken for it. A server that takes longer than 20 s is killed. */
  async stop(): Promise<void> {
    await this.end('SIGTERM', 20_000);
  }

  /** `kill -9`: the server cannot write anything more. */
  async kill(): Promise<void> {
    await this.end('SIGKILL', 20_000);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Freezes the server: connections stay open and nothing answers, as with a stopped virtual machine. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  private async end(signal: NodeJS.Signals, patienceMs: number): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.running) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    const impatient = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await exited;
    clearTimeout(impatient);
    rmSync(join(this.directory, PID_FILE), { force: true });
  }
}

/** The file with the process id of a running server, in its directory. */
export const PID_FILE = 'pid';

/** Sends a signal to a process, or to the process group -pid. Does nothing if it has ended. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * A port on 127.0.0.1 that was free a moment ago. It is not in the range for outgoing connections: under load, one of
 * those would take it before the server does.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`no port is free between ${LOWEST_PORT} and ${HIGHEST_PORT}`);
}

/** True when something listens on the port. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
