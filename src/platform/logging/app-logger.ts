import { inspect } from 'node:util';
import { ConsoleLogger, type LogLevel as NestLevel } from '@nestjs/common';
import { type LogFormat, type LogLevel } from '../config/config-parts.js';

/** Nest's level names, most severe first. Nest calls `log` what LOG_LEVEL calls info. */
const LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const satisfies readonly NestLevel[];

/** Contexts in which Nest logs its wiring. Only developers of the wiring need these lines. */
const WIRING = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestMicroservice']);

type Fields = Readonly<Record<string, unknown>>;

/** One line of the log. Fields that the code passes never replace the first five. */
interface LogRecord extends Fields {
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** A name of LOG_LEVEL. */
  readonly level: LogLevel;
  readonly pid: number;
  readonly context?: string;
  readonly message: unknown;
  readonly stack?: unknown;
  readonly error?: unknown;
}

/** The settings of the log; `AppConfig` has them. */
export interface LogOptions {
  /** Lines below this level are not written. */
  readonly logLevel: LogLevel;
  /** Undefined means pretty if standard output is a terminal, and json otherwise. */
  readonly logFormat: LogFormat | undefined;
}

/** The format of this process's log. Without a configured one, standard output decides. */
export function logFormatFor(configured: LogFormat | undefined): LogFormat {
  return configured ?? (process.stdout.isTTY ? 'pretty' : 'json');
}

/**
 * Writes everything that the process logs to standard output: one stream, so lines stay in the order in which they were
 * written. In json each record is one line, whatever it holds. `logger.log({ message, event, ...fields })` adds fields
 * to the record.
 */
export class AppLogger extends ConsoleLogger {
  private readonly format: LogFormat;

  constructor({ logLevel, logFormat }: LogOptions) {
    const format = logFormatFor(logFormat);
    const last = LEVELS.indexOf(logLevel === 'info' ? 'log' : logLevel);
    super({
      compact: true,
      breakLength: Infinity,
      logLevels: LEVELS.slice(0, last + 1),
      // Without `colors`, Nest looks at NO_COLOR.
      ...(format === 'pretty' && process.stdout.isTTY ? {} : { colors: false }),
    });
    this.format = format;
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && WIRING.has(context)) this.verbose(message, ...rest);
    else super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: unknown[]): void {
    // Errors that stop the start are thrown as well, and app/service.ts logs them in one line.
    const context = rest.at(-1);
    const isThrown =
      context === 'ExceptionHandler' ||
      (context === 'NestApplication' && /^Error: (?:listen|getaddrinfo) /.test(`${message}`));
    if (!isThrown) super.error(message, ...rest);
  }

  protected override printMessages(
    messages: unknown[],
    context?: string,
    level: NestLevel = 'log',
    _stream?: 'stdout' | 'stderr',
    stack?: unknown,
    params?: Fields,
  ): void {
    const { messages: texts, error } = this.extractJsonError(messages.map((message) => this.resolveMessage(message)));
    for (const [index, message] of texts.entries()) {
      const own = isFields(message) ? message : { message };
      const record: LogRecord = {
        timestamp: new Date().toISOString(),
        level: level === 'log' ? 'info' : level,
        pid: process.pid,
        ...(context ? { context } : {}),
        message: own['message'] ?? '',
        ...this.fieldsOf({ ...own, ...params }),
        ...(stack ? { stack } : {}),
        ...(error !== undefined && index === 0 ? { error: this.serializeError(error) } : {}),
      };
      const line = this.format === 'json' ? this.stringifyJsonLogObject(record) : this.prettyLine(record);
      process.stdout.write(`${line}\n`);
    }
  }

  /** The record already holds the stack. */
  protected override printStackTrace(): void {}

  /** Nest writes every property of an error and of its causes. A driver's error has the statement with its values. */
  protected override serializeError(error: Error, depth?: number, ancestors?: Set<Error>): Record<string, unknown> {
    const written = super.serializeError(error, depth, ancestors);
    // mutant: statements-in-the-log
    return Object.fromEntries(Object.entries(written).filter(([name]) => !STATEMENT.has(name)));
  }

  private fieldsOf(given: Fields): Fields {
    const fields = Object.entries(given)
      .filter(([name, value]) => !RESERVED.has(name) && value !== undefined)
      .map(([name, value]) => [name, value instanceof Error ? this.serializeError(value) : value]);
    return Object.fromEntries(fields) as Fields;
  }

  private prettyLine({ timestamp, level, pid: _pid, context, message, stack, error, ...fields }: LogRecord): string {
    const color = (text: string) => (this.options.colors ? this.getColorByLogLevel(nestLevelOf(level))(text) : text);
    const text = typeof message === 'string' ? message : inspect(message, this.inspectOptions);
    const parts = [timestamp, color(level.toUpperCase().padEnd(7)), context === undefined ? '' : `[${context}]`, text];
    for (const [name, value] of Object.entries(fields)) parts.push(`${name}=${prettyValue(value)}`);
    const stacks = [stack, stackOf(error)].filter((trace) => trace !== undefined);
    return [parts.filter((part) => part !== '').join(' '), ...stacks].join('\n');
  }
}

const RESERVED: ReadonlySet<string> = new Set(['timestamp', 'level', 'pid', 'context', 'message']);

/** What mysql2 and TypeORM put into an error: user ids, codes and digests are among the values. */
const STATEMENT: ReadonlySet<string> = new Set(['sql', 'query', 'parameters']);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function nestLevelOf(level: LogLevel): NestLevel {
  return level === 'info' ? 'log' : level;
}

function prettyValue(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : inspect(value, { breakLength: Infinity });
}

function stackOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const { stack, name, message } = error as { stack?: string; name?: string; message?: string };
  return stack ?? (name === undefined ? inspect(error) : `${name}: ${message}`);
}
