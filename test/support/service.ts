import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../src/app/app.setup.js';
import { startUp } from '../../src/app/start-up.js';
import { parseEnv } from '../../src/platform/config/env.js';
import { type HttpTimeouts } from '../../src/platform/http/server/fastify.js';
import { type Backend, openBackend, TOPOLOGY } from './backend.js';
import { eventually } from './eventually.js';
import { PATIENT_HTTP } from './patience.js';

export const ADMIN_TOKEN = 'for-tests-only-kW4nT7bq0Zx9LrD2mVhY5cJf8';

/** A running service, as a caller sees it. It is the same for every profile. */
export interface Service {
  readonly backend: Backend;
  /** The address of the first api. */
  readonly url: string;
  /** The address of every api; one, unless the topology is `apart`. */
  readonly urls: readonly string[];
  /** The address of the first api for operators; {@link url} unless ADMIN_PORT is set. */
  readonly adminUrl: string;
  /** The first api. */
  readonly app: NestFastifyApplication;
  /** The application of every process; one, unless the topology is `apart`. */
  readonly apps: readonly NestFastifyApplication[];
  stop(): Promise<void>;
}

/**
 * Starts the service on free ports with new data, and waits until it is ready.
 * @param also a status that is good enough, where something is away on purpose.
 */
export async function startService(
  env: Record<string, string> = {},
  timeouts: Partial<HttpTimeouts> = {},
  also: 'ok' | 'degraded' = 'ok',
): Promise<Service> {
  const backend = await openBackend();
  const start = async (roles: Record<string, string>) => {
    const config = parseEnv({ PORT: '0', ADMIN_TOKEN, LOG_LEVEL: 'fatal', ...backend.env, ...env, ...roles });
    const app = await createApp(config, { logger: false, timeouts: { ...PATIENT_HTTP, ...timeouts } });
    return { app, ...(await startUp(app)) };
  };
  // A test that names roles wants one process with these roles.
  const apart = TOPOLOGY === 'apart' && env['ROLES'] === undefined;
  const api = { ROLES: 'api' };
  const worker = { ROLES: 'consumer,retry' };
  const processes = await Promise.all(apart ? [start(api), start(api), start(worker), start(worker)] : [start({})]);
  const apis = apart ? processes.slice(0, 2) : processes;
  const [first] = apis;
  if (first === undefined) throw new Error('no process');
  await Promise.all(
    processes.map(({ url }) =>
      eventually(async () => {
        const report = await (await fetch(`${url}/health/ready`)).text();
        if (!['ok', also].includes(JSON.parse(report).status)) throw new Error(report);
      }),
    ),
  );
  return {
    backend,
    url: first.url,
    adminUrl: first.adminUrl,
    urls: apis.map(({ url }) => url),
    app: first.app,
    apps: processes.map(({ app }) => app),
    stop: async () => {
      await Promise.all(processes.map(({ app }) => app.close()));
      await backend.remove();
    },
  };
}
