import { type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { AppConfig } from '../platform/config/env.js';
import { ConnectionMetrics } from '../platform/http/connections/connection.metrics.js';
import { Connections } from '../platform/http/connections/connections.js';
import { callersDescriptors } from '../platform/http/connections/descriptor-limit.js';
import { installAddressLimit } from '../platform/http/limits/address-limit.js';
import { embeddingOriginsOf } from '../platform/http/pages/embedding.js';
import { hasPages, servePages } from '../platform/http/pages/pages.js';
import { RequestObserver } from '../platform/http/observation/request-observer.js';
import { setupOpenApi } from '../platform/http/openapi/openapi.js';
import { installReadAdmission } from '../platform/http/reads/read-admission.js';
import { AdminListener } from '../platform/http/server/admin-listener.js';
import { configureHttp, createFastifyAdapter, type HttpTimeouts } from '../platform/http/server/fastify.js';
import { installStreamRoutes } from '../platform/http/streams/stream-routes.js';
import { AppLogger } from '../platform/logging/app-logger.js';
import { MetricsRegistry } from '../platform/metrics/metrics-registry.js';
import { AppModule } from './app.module.js';

/** Builds the application without starting it. The process and the tests use this same function. */
export async function createApp(
  config: AppConfig,
  options: { logger?: LoggerService | false; timeouts?: Partial<HttpTimeouts> } = {},
): Promise<NestFastifyApplication> {
  const observer = new RequestObserver(config.accessLog);
  const { admin } = config;
  const connections = new Connections(config.http, callersDescriptors(admin !== undefined));
  const adminListener =
    admin === undefined ? undefined : new AdminListener(Connections.forOperators(config.http), admin.behindProxies);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.for(config, adminListener),
    createFastifyAdapter(options.timeouts, observer, connections, config.http.trustedProxies, adminListener),
    { bodyParser: false, abortOnError: false, logger: options.logger ?? new AppLogger(config) },
  );
  observer.exportTo(app.get(MetricsRegistry));
  new ConnectionMetrics(app.get(MetricsRegistry), connections, adminListener?.connections);
  configureHttp(app, observer, adminListener, config.http.corsOrigins);
  installReadAdmission(app);
  installStreamRoutes(app);
  await installAddressLimit(app, config.entry.rateLimit);
  if (config.roles.has('api') && config.docs) setupOpenApi(app, config.http.basePath);
  if (config.roles.has('api') && config.pages && hasPages()) {
    const { basePath, corsOrigins } = config.http;
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    servePages(fastify, basePath, embeddingOriginsOf(corsOrigins));
  }
  return app;
}
