import { Logger, ShutdownSignal } from '@nestjs/common';
import { createApp, startApp } from './app.setup.js';
import { AdminToken } from './config/admin-token.js';
import { AppConfig, ConfigurationError, readEnv } from './config/env.js';
import { StartupError } from './config/startup-error.js';

/** The latest moment at which a stopping process ends, ms after the signal. */
const SHUTDOWN_LIMIT_MS = 10_000;

async function main(): Promise<void> {
  const app = await createApp(readEnv());
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT]);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, limitShutdown);
  const url = await startApp(app);
  const { profile, roles } = app.get(AppConfig);
  new Logger('Service').log({
    message: `listening on ${url}`,
    docs: `${url}/docs`,
    adminToken: app.get(AdminToken).origin,
    profile,
    roles: [...roles],
  });
}

/** A dependency that never answers must not keep the process from ending; what is not durable was not promised. */
function limitShutdown(): void {
  setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS - 500).unref();
}

/** One line for what an operator can mend, a stack for what only a developer can. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof StartupError) return error.message;
  const { code, syscall, address, port, path, message } = error as NodeJS.ErrnoException & Record<string, unknown>;
  if (code === 'EADDRINUSE') return `PORT ${String(port)} on ${String(address)} is in use; set PORT to a free one`;
  if (syscall !== undefined) return `${message}${path === undefined ? '' : ` (${path})`}`;
  return error instanceof Error ? (error.stack ?? message) : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
