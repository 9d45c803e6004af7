import { parseEnv as parseVariables } from 'node:util';
import { isWeakToken } from '../identity/weak-token.js';
import { type LogFormat } from './config-parts.js';
import { type AppConfig, parseEnv } from './env.js';
import { findMistypedNames } from './mistyped-names.js';
import { readTextFile } from './text-file.js';
import { ConfigurationError } from './startup-error.js';
import { ENV_VARIABLES, type Source, variables } from './variables.js';

/** The configuration of this process, and notes for the operator about its origin. */
export interface LoadedConfiguration {
  readonly config: AppConfig;
  /** One line that says whether there was a file. */
  readonly origin: string;
  /** One line for each variable that is set and has no effect, and for each token that can be guessed. */
  readonly warnings: readonly string[];
}

const FILE = '.env';

/**
 * Reads the file `.env` in the working directory, if there is one, and the environment. The environment wins, also with
 * empty variables. The file changes only this configuration: `process.env` stays as it is.
 *
 * @param given what the arguments of a command say; it wins over both.
 * @throws ConfigurationError if the file cannot be read, and for the reasons of {@link parseEnv}.
 */
export function loadConfiguration(environment: Source = process.env, given: Source = {}): LoadedConfiguration {
  const file = readDotEnv();
  const source = { ...file, ...environment, ...given };
  const warnings = [
    ...Object.keys(file ?? {})
      .filter((name) => /^(?:NODE|UV)_/.test(name) && environment[name] === undefined)
      .map((name) => `${name} has no effect in ${FILE}, because Node reads it before; set it in the environment`),
    ...findMistypedNames(Object.keys(source)),
  ];
  const used = Object.entries(file ?? {}).filter(
    ([name, value]) => ENV_VARIABLES.includes(name) && value.trim() !== '' && environment[name] === undefined,
  );
  const count = `${used.length} ${used.length === 1 ? 'variable' : 'variables'}`;
  try {
    const config = parseEnv(source);
    return {
      config,
      origin: `configuration: ${file === undefined ? '' : `${FILE} (${count}) and `}the environment`,
      warnings: [...warnings, ...weakTokens(config)],
    };
  } catch (error) {
    // A mistyped name is often the reason why a variable is missing.
    if (error instanceof ConfigurationError) throw new ConfigurationError([...error.mistakes, ...warnings]);
    throw error;
  }
}

/** The distributed profile refuses such tokens. The embedded one is also for trying out. */
function weakTokens({ adminToken, adminTokenNext }: AppConfig): string[] {
  return Object.entries({ ADMIN_TOKEN: adminToken, ADMIN_TOKEN_NEXT: adminTokenNext })
    .filter(([, token]) => token !== undefined && isWeakToken(token))
    .map(([name]) => `${name} can be guessed, and opens everything; openssl rand -hex 24 makes one that cannot`);
}

/**
 * Reads only LOG_FORMAT, for a process that has to log that its configuration is wrong. Undefined if it is not set or
 * not valid.
 */
export function readLogFormat(environment: Source = process.env): LogFormat | undefined {
  let file: Source | undefined;
  try {
    file = readDotEnv();
  } catch {
    // The file itself may be what is wrong.
  }
  return variables.shape.LOG_FORMAT.safeParse({ ...file, ...environment }['LOG_FORMAT']).data;
}

/** @returns undefined if there is no file. */
function readDotEnv(): Record<string, string> | undefined {
  const outcome = readTextFile(FILE);
  if ('why' in outcome) {
    if (outcome.isMissing) return undefined;
    throw new ConfigurationError([`${FILE}: expected a file with a line NAME=value for each variable; ${outcome.why}`]);
  }
  const line = lineWithoutName(outcome.text);
  if (line !== undefined) throw new ConfigurationError([`${FILE}: expected NAME=value or a comment in line ${line}`]);
  // Node's own parser, so that `node --env-file` reads the same.
  return Object.fromEntries(Object.entries(parseVariables(outcome.text)).map(([name, value]) => [name, value ?? '']));
}

/**
 * Finds a line without NAME=. Node's parser drops such a line, or takes it as part of the next name, so a variable
 * would silently be missing.
 */
function lineWithoutName(text: string): number | undefined {
  // Remove quoted values first: they may have several lines.
  const lines = text.replace(/=[ \t]*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, '')}`).split('\n');
  const index = lines.findIndex((line) => !/^\s*(?:#.*|(?:export\s+)?[A-Za-z_][\w.-]*\s*=.*)?$/.test(line.trimEnd()));
  return index === -1 ? undefined : index + 1;
}
