import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explainCommand } from './app/command-error.js';
import { takeSnapshot } from './infrastructure/sqlite/take-snapshot.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { serviceUrl } from './platform/config/service-url.js';

const USAGE = 'usage: npm run backup -- --to FILE [--url http://host:port]';

/** Copies the database of the embedded profile into a file. The service may run at the same time. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { to: { type: 'string' }, url: { type: 'string' } } });
  if (values.to === undefined) throw new TypeError('--to is missing');
  const url = values.url === undefined ? undefined : serviceUrl(values.url);
  await takeSnapshot(loadConfiguration().config, values.to, url);
  process.stdout.write(`${values.to}: ${statSync(values.to).size} bytes, checked\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainCommand(error, USAGE)}\n`);
  process.exit(1);
});
