import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from './app.setup.js';
import { startUp } from './start-up.js';
import { riskyAddresses } from '../platform/config/address-risks.js';
import { loadConfiguration } from '../platform/config/load-configuration.js';
import { warnOfRisk } from '../platform/config/risks.js';
import { StartupError } from '../platform/config/startup-error.js';
import { VERSION } from '../platform/config/version.js';
import { AdminToken } from '../platform/identity/admin-token.js';
import { AppLogger } from '../platform/logging/app-logger.js';
import { writeLastLine } from '../platform/logging/last-line.js';
import { captureProcessOutput } from '../platform/logging/process-output.js';
import { startTracing, tracing } from '../platform/tracing/tracing.js';
import { DatabaseError } from '../ports/database/database-error.js';

/** A stopping process ends at the latest this many ms after the signal. */
const SHUTDOWN_LIMIT_MS = 9_500;

async function start(): Promise<void> {
  const { config, origin, warnings } = loadConfiguration();
  const logger = new AppLogger(config);
  // Set the logger before anything is made that may log.
  Logger.overrideLogger(logger);
  captureProcessOutput(logger);
  const configuration = new Logger('Configuration');
  configuration.log(origin);
  for (const warning of warnings) configuration.warn(warning);
  for (const { risk, finding } of riskyAddresses(config)) warnOfRisk(config, risk, finding);
  if (config.identity === 'open' && config.roles.has('api')) {
    new Logger('Identity').warn({
      message: 'IDENTITY=open: every caller that reaches the service can claim for any user; key and jwt check callers',
      event: 'identity.open',
    });
  }
  await startTracing(config);
  const app = await createApp(config, { logger });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(app, signal));
  const { url, adminUrl } = await startUp(app);
  const { profile, roles } = config;
  // Without the role api, this process has no docs and no admin calls, only health and metrics.
  const use = roles.has('api')
    ? `${config.docs ? `docs at ${adminUrl}/docs, ` : ''}admin token: ${app.get(AdminToken).origin}`
    : 'health and metrics only';
  new Logger('Service').log({
    message: `listening on ${url} as ${[...roles].join(', ')} (${profile}); ${use}`,
    event: 'service.started',
    version: VERSION,
    url,
    profile,
    roles: [...roles],
  });
}

let stopping = false;

/** Answers the requests that are under way, makes the accepted claims durable, and ends the process. */
async function stop(app: NestFastifyApplication, signal: string): Promise<void> {
  stopping = true;
  new Logger('Service').log({ message: `stopping on ${signal}`, event: 'service.stopping', signal });
  // A server that never answers must not keep the process alive. No claim is lost: a claim that is not durable was not
  // answered 202.
  setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
  await app.close();
  await tracing.stop();
  new Logger('Service').log({ message: 'stopped', event: 'service.stopped' });
  process.exit(0);
}

/** Explains why the process failed: one line if the operator can fix it, otherwise the stack. */
function explain(error: unknown): string {
  if (error instanceof StartupError) return error.message;
  if (error instanceof DatabaseError && error.kind === 'infrastructure') {
    return `the database cannot be used: ${error.message} (${error.code})`;
  }
  const {
    code,
    syscall,
    address,
    port,
    path,
    hostname,
    message,
    variables = '',
  } = error as NodeJS.ErrnoException & Record<string, unknown>;
  if (syscall === 'listen') {
    if (code === 'EADDRINUSE') {
      return `${variables}PORT ${String(port)} on ${String(address)} is in use; set ${variables}PORT to a free one`;
    }
    if (code === 'EACCES') {
      return `${variables}PORT ${String(port)} needs rights that this user does not have; set ${variables}PORT to 1024 or above`;
    }
    return `${variables}HOST ${String(address)} is no address of this machine (${String(code)})`;
  }
  if (syscall === 'getaddrinfo') return `${variables}HOST ${String(hostname)} cannot be resolved (${String(code)})`;
  if (syscall !== undefined) return `${message}${path === undefined ? '' : ` (${path})`}`;
  return error instanceof Error ? (error.stack ?? message) : String(error);
}

/** Runs the service until a signal. A start that fails ends the process with 1 and says why. */
export function runService(): void {
  start().catch((error: unknown) => {
    // A start that is stopped half way fails because of the stop, which ends the process in order.
    if (stopping) return;
    writeLastLine('service.failed', explain(error), true);
    process.exit(1);
  });
}
