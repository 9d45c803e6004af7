import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { STACK_DIRECTORY } from './stack-directory.js';

const run = promisify(execFile);

/** Changes with the version in kafka/pom.xml. */
const VERSION = '4.1.0';
const POM = fileURLToPath(new URL('kafka/pom.xml', import.meta.url));

/**
 * The directory with Kafka's jars (43 MB). Maven fetches them the first time. On machines without Maven,
 * STACK_KAFKA_JARS names a directory that already has them.
 */
export async function kafkaJars(): Promise<string> {
  const given = process.env.STACK_KAFKA_JARS;
  if (given !== undefined && given !== '') return given;
  const directory = join(STACK_DIRECTORY, `kafka-${VERSION}`);
  if (existsSync(directory)) return directory;
  // An interrupted download must not look complete.
  const partial = `${directory}.${process.pid}`;
  mkdirSync(STACK_DIRECTORY, { recursive: true });
  await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`], {
    maxBuffer: 1e8,
  });
  if (existsSync(directory)) rmSync(partial, { recursive: true });
  else renameSync(partial, directory);
  return directory;
}
