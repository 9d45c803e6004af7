import { parseEnv as parseVariables } from 'node:util';
import { ConfigurationError } from './configuration-error.js';
import { type AppConfig, type LogFormat, parseEnv } from './env.js';
import { warnOfMistypedNames } from './mistyped-names.js';
import { readTextFile } from './secret-files.js';
import { ENV_VARIABLES, type Source, variables } from './variables.js';

/** The configuration of this process, and what an operator should know about where it came from. */
export interface LoadedConfiguration {
  readonly config: AppConfig;
  /** One line: whether there was a file. */
  readonly origin: string;
  /** What is given and has no effect; a line each. */
  readonly warnings: readonly string[];
}

const FILE = '.env';

/**
 * Reads the file `.env` of the working directory, where there is one, and the environment, whose variables win, empty
 * ones too. The file changes nothing but this configuration: `process.env` stays as it is.
 *
 * @throws ConfigurationError when the file cannot be read, or as of {@link parseEnv}.
 */
export function loadConfiguration(environment: Source = process.env): LoadedConfiguration {
  const file = readDotEnv();
  const source = { ...file, ...environment };
  const warnings = [
    ...Object.keys(file ?? {})
      .filter((name) => /^(?:NODE|UV)_/.test(name) && environment[name] === undefined)
      .map((name) => `${name} has no effect in ${FILE}, because Node reads it before; set it in the environment`),
    ...warnOfMistypedNames(Object.keys(source)),
  ];
  const used = Object.entries(file ?? {}).filter(
    ([name, value]) => ENV_VARIABLES.includes(name) && value.trim() !== '' && environment[name] === undefined,
  );
  const count = `${used.length} ${used.length === 1 ? 'variable' : 'variables'}`;
  try {
    return {
      config: parseEnv(source),
      origin: `configuration: ${file === undefined ? '' : `${FILE} (${count}) and `}the environment`,
      warnings,
    };
  } catch (error) {
    // A name that was mistyped is often why another one is missing.
    if (error instanceof ConfigurationError) throw new ConfigurationError([...error.mistakes, ...warnings]);
    throw error;
  }
}

/** LOG_FORMAT alone, for a process that has to say that the rest cannot be used. Undefined also where it is no format. */
export function readLogFormat(environment: Source = process.env): LogFormat | undefined {
  let file: Source | undefined;
  try {
    file = readDotEnv();
  } catch {
    // It may be what cannot be used.
  }
  return variables.shape.LOG_FORMAT.safeParse({ ...file, ...environment }['LOG_FORMAT']).data;
}

/** @returns undefined when there is no such file. */
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

/** Node's parser drops such a line, or takes it into the name of the next one: the variable would just be missing. */
function lineWithoutName(text: string): number | undefined {
  // The lines of a quoted value are no lines of their own.
  const lines = text.replace(/=[ \t]*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, '')}`).split('\n');
  const index = lines.findIndex((line) => !/^\s*(?:#.*|(?:export\s+)?[A-Za-z_][\w.-]*\s*=.*)?$/.test(line.trimEnd()));
  return index === -1 ? undefined : index + 1;
}
