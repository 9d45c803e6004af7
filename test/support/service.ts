import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp, startApp } from '../../src/app.setup.js';
import { parseEnv } from '../../src/config/env.js';
import { type HttpTimeouts } from '../../src/http/fastify.js';

export const ADMIN_TOKEN = 'test-admin-token-0123456789-abcdefghij';

/** A running service, as a caller sees it; the same on every profile. */
export interface Service {
  readonly url: string;
  readonly app: NestFastifyApplication;
  stop(): Promise<void>;
}

/** Starts the service on a free port, with data of its own. */
export async function startService(
  env: Record<string, string> = {},
  timeouts: Partial<HttpTimeouts> = {},
): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-e2e-'));
  const config = parseEnv({ PORT: '0', DATA_DIR: directory, ADMIN_TOKEN, LOG_LEVEL: 'fatal', ...env });
  const app = await createApp(config, { logger: false, timeouts });
  const url = await startApp(app);
  return {
    url,
    app,
    stop: async () => {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
