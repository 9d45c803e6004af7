import { execFileSync } from 'node:child_process';
import { SEARCH_PATH } from './server-process.js';

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** The package's name on Debian and similar systems. */
  readonly install: string;
}

const PROGRAMS: readonly Program[] = [
  { command: 'redis-server', args: ['--version'], install: 'redis-server (Redis 7.0 or later)' },
  { command: 'mariadbd', args: ['--version'], install: 'mariadb-server (MariaDB 10.6 or later)' },
  { command: 'java', args: ['-version'], install: 'openjdk-17-jre-headless (Java 17 or later)' },
];
/** Fetches Kafka's jars. Not needed if STACK_KAFKA_JARS names them. */
const MAVEN: Program = { command: 'mvn', args: ['--version'], install: 'maven' };

function runs({ command, args }: Program): boolean {
  try {
    execFileSync(command, [...args], { stdio: 'ignore', env: { ...process.env, PATH: SEARCH_PATH } });
    return true;
  } catch {
    return false;
  }
}

/** The programs that are missing for starting the servers natively. Empty if everything is there. */
export function missingPrograms(): string[] {
  const needed = process.env.STACK_KAFKA_JARS ? PROGRAMS : [...PROGRAMS, MAVEN];
  return needed.filter((program) => !runs(program)).map(({ install }) => install);
}

/** One line for each step, in their order, with the names on Debian. */
export function howToInstall(missing: readonly string[]): string {
  const packages = missing.map((text) => text.split(' ')[0]).join(' ');
  return [
    `The real servers cannot be started: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
    `On Debian or Ubuntu: apt-get update && apt-get install --no-install-recommends ${packages}`,
    'On macOS: brew install redis mariadb openjdk maven. Or start a Docker engine: stack:up then uses docker compose.',
  ].join('\n');
}

/** True when a Docker engine answers and can run compose files. */
export function dockerAnswers(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 });
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
