import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { type z } from 'zod';
import { explainCommand } from './app/command-error.js';
import { type KeyDesk } from './app/keys/key-desk.js';
import { useKeyDesk } from './app/keys/use-key-desk.js';
import { type KeyJson } from './modules/keys/key-json.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { serviceUrl } from './platform/config/service-url.js';
import { StartupError } from './platform/config/startup-error.js';
import { systemClock } from './platform/flow/clock.js';
import { inputRule } from './platform/http/input/input-rules.js';
import { instant, keyId, keyName } from './platform/http/input/schemas.js';
import { KEY_ROLES } from './platform/identity/key-role.js';
import { DatabaseError } from './ports/database/database-error.js';

const USAGE = `usage: npm run --silent key -- create --role ${KEY_ROLES.join('|')} --name NAME [--expires INSTANT]
       npm run --silent key -- list
       npm run --silent key -- revoke ID
each with [--url http://host:port] [--token-file FILE]. Without --url: the database of this environment.`;

/** Makes, lists and revokes API keys. The key itself is all that `create` writes to standard output. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      role: { type: 'string' },
      name: { type: 'string' },
      expires: { type: 'string' },
      url: { type: 'string' },
      'token-file': { type: 'string' },
    },
  });
  const work = workOf(positionals, values);
  const url = values.url === undefined ? undefined : serviceUrl(values.url);
  // Failures are thrown and printed. A line of the log would say them twice.
  Logger.overrideLogger(false);
  await useKeyDesk(loadConfiguration().config, { url, tokenFile: values['token-file'] }, work);
}

interface KeyOptions {
  readonly role?: string | undefined;
  readonly name?: string | undefined;
  readonly expires?: string | undefined;
}

/** Checks the arguments before anything is asked. @throws TypeError */
function workOf([verb, ...rest]: readonly string[], options: KeyOptions): (desk: KeyDesk) => Promise<void> {
  const [id, more] = rest;
  if (verb === 'revoke' ? more !== undefined : id !== undefined) throw new TypeError(`${rest.at(-1)} is too much`);
  if (verb !== 'create') {
    const given = Object.entries(options).find(([name, value]) => name in FOR_CREATE && value !== undefined);
    if (given !== undefined) throw new TypeError(`--${given[0]} is for create`);
  }
  switch (verb) {
    case 'create': {
      const role = KEY_ROLES.find((known) => known === options.role);
      if (role === undefined) throw new TypeError(`--role is one of ${KEY_ROLES.join(', ')}`);
      const name = checked('--name', keyName, options.name);
      const expiresAt = options.expires === undefined ? null : checked('--expires', instant, options.expires);
      return (desk) => create(desk, { name, role, expiresAt });
    }
    case 'list':
      return list;
    case 'revoke': {
      const known = checked('ID', keyId, id);
      return (desk) => revoke(desk, known);
    }
    default:
      throw new TypeError(verb === undefined ? 'what to do is missing' : `${verb} is not known`);
  }
}

const FOR_CREATE = { role: true, name: true, expires: true };

function checked<T>(option: string, schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new TypeError(`${option}: ${inputRule(error.issues[0]?.message ?? '')?.en ?? 'is missing or invalid'}`);
}

async function create(desk: KeyDesk, order: Parameters<KeyDesk['create']>[0]): Promise<void> {
  const { key, id, name, role, expiresAt } = await desk.create(order);
  process.stderr.write(
    `made ${id} (${role}, ${name}) at ${desk.place}, expires: ${expiresAt ?? 'never'}. Shown only now:\n`,
  );
  process.stdout.write(`${key}\n`);
}

async function list(desk: KeyDesk): Promise<void> {
  const lines = [['id', 'role', 'created', 'last used', 'state', 'name']];
  for await (const key of desk.list()) {
    lines.push([key.id, key.role, key.createdAt, key.lastUsedAt ?? 'never', stateOf(key), key.name]);
  }
  process.stdout.write(lines.map((line) => `${line.join('\t')}\n`).join(''));
}

function stateOf({ revokedAt, expiresAt }: KeyJson): string {
  if (revokedAt !== null) return `revoked ${revokedAt}`;
  if (expiresAt === null) return 'valid';
  return Date.parse(expiresAt) <= systemClock.wall() ? `expired ${expiresAt}` : `valid until ${expiresAt}`;
}

async function revoke(desk: KeyDesk, id: string): Promise<void> {
  const key = await desk.revoke(id);
  if (key === null) throw new StartupError(`${desk.place} has no key ${id}`);
  process.stdout.write(`${id} (${key.role}, ${key.name}) is revoked since ${key.revokedAt}\n`);
}

main().catch((error: unknown) => {
  const known = error instanceof DatabaseError ? new StartupError(`${error.message} (${error.code})`) : error;
  process.stderr.write(`${explainCommand(known, USAGE)}\n`);
  // 2: the call itself is wrong, and nothing was asked.
  process.exit(error instanceof TypeError ? 2 : 1);
});
