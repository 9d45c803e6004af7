import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serversIn } from './leftovers.js';
import { dockerAnswers, howToInstall, missingPrograms } from './missing-programs.js';
import { NativeStack, type StackPorts } from './native-stack.js';
import { listens } from './server-process.js';
import { STACK_DIRECTORY } from './stack-directory.js';

// Not the usual ports, so that a Redis for another purpose is never touched.
const PORTS: StackPorts = { redis: 6390, kafka: 9390, mysql: 3390 };

const COMPOSE = fileURLToPath(new URL('compose.yaml', import.meta.url));

function port(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 65_535) {
    throw new Error(`${variable}: expected a port, not ${text}`);
  }
  return number;
}

async function up(): Promise<void> {
  const ports: StackPorts = {
    redis: port('STACK_REDIS_PORT', PORTS.redis),
    kafka: port('STACK_KAFKA_PORT', PORTS.kafka),
    mysql: port('STACK_MYSQL_PORT', PORTS.mysql),
  };
  const native = !dockerAnswers();
  if (native) await upNatively(ports);
  else upInDocker(ports);
  const env = join(STACK_DIRECTORY, 'env');
  mkdirSync(STACK_DIRECTORY, { recursive: true });
  writeFileSync(
    env,
    [
      '# For a service on the stack: node --env-file=.stack/env dist/main.js',
      'PROFILE=distributed',
      // For trying it out; every caller may name any user.
      'IDENTITY=open',
      `REDIS_URL=redis://127.0.0.1:${ports.redis}`,
      `KAFKA_BROKERS=127.0.0.1:${ports.kafka}`,
      `DATABASE_URL=mysql://coupon:coupon@127.0.0.1:${ports.mysql}/coupon`,
      `ADMIN_TOKEN=${randomBytes(24).toString('hex')}`,
      // The servers are for this machine only.
      'ALLOW_INSECURE=no-password,one-replica',
      '',
    ].join('\n'),
  );
  console.log(
    [
      `${native ? 'native processes' : 'docker compose'}: Redis on ${ports.redis}, Kafka on ${ports.kafka}, ` +
        `${native ? 'MariaDB' : 'MySQL'} on ${ports.mysql}, all on 127.0.0.1`,
      'run the service on them:  npm run build && node --env-file=.stack/env dist/main.js',
      'end them:                 npm run stack:down (add -- --data to delete their data)',
    ].join('\n'),
  );
}

async function upNatively(ports: StackPorts): Promise<void> {
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const root = join(STACK_DIRECTORY, 'servers');
  if (serversIn(root).length > 0) throw new Error('the stack is up already; npm run stack:down ends it');
  for (const [name, taken] of Object.entries(ports)) {
    if (await listens(taken)) {
      throw new Error(`port ${taken} is in use; STACK_${name.toUpperCase()}_PORT chooses another one`);
    }
  }
  await NativeStack.start(root, ports);
}

function upInDocker(ports: StackPorts): void {
  execFileSync('docker', ['compose', '-f', COMPOSE, 'up', '--detach', '--wait'], {
    stdio: 'inherit',
    env: {
      ...process.env,
      STACK_REDIS_PORT: String(ports.redis),
      STACK_KAFKA_PORT: String(ports.kafka),
      STACK_MYSQL_PORT: String(ports.mysql),
    },
  });
}

try {
  await up();
  // This process no longer holds the servers, and nothing else should keep it running.
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
