import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app/app.module.js';
import { parseEnv } from './platform/config/env.js';
import { createOpenApiDocument } from './platform/http/openapi/openapi.js';

/**
 * Writes the service's OpenAPI document without starting the service. The build makes the types of the pages from it.
 *
 * usage: node dist/openapi.js FILE
 */
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node dist/openapi.js FILE\n');
  process.exit(2);
}
const config = parseEnv({ PROFILE: 'embedded' });
// A preview has all controllers and makes nothing that they need.
const app = await NestFactory.create<NestFastifyApplication>(AppModule.for(config), new FastifyAdapter(), {
  preview: true,
  logger: false,
});
writeFileSync(file, `${JSON.stringify(createOpenApiDocument(app), null, 2)}\n`);
