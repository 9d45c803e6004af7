import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The operations of the gate, in the order in which the script looks for them: the claim first. */
const OPERATIONS = {
  'claim-batch': 'claim-batch-3.lua',
  ping: 'ping-0.lua',
  'look-up': 'look-up-3.lua',
  'clear-pending': 'clear-pending-3.lua',
  release: 'release-claim-3.lua',
  gauge: 'gauge-3.lua',
  'pending-before': 'pending-before-3.lua',
  'redate-pending': 'redate-pending-3.lua',
  'change-terms': 'change-terms-3.lua',
  'open-campaign': 'open-campaign-3.lua',
  // The same under a name that scripts without a roster do not know.
  'open-missing': 'open-campaign-3.lua',
  'remove-campaign': 'remove-campaign-3.lua',
} as const;

export type GateOperation = keyof typeof OPERATIONS;

/**
 * Reads a Lua file of ./scripts. Its name ends with the number of its KEYS, and its header lists them.
 * @throws Error when the two disagree: a caller would pass the wrong keys.
 */
export function readScript(name: string): string {
  const text = readFileSync(new URL(`./scripts/${name}`, import.meta.url), 'utf8');
  const count = Number(/-(\d+)\.lua$/.exec(name)?.[1]);
  const listed = /^-- KEYS {2}(.*)$/m.exec(text)?.[1] ?? '';
  const keys = listed === 'none' ? 0 : listed.split(', ').length;
  if (keys !== count) throw new Error(`${name} is named for ${count} keys and documents ${keys}`);
  return text;
}

const prelude = readFileSync(new URL('./scripts/prelude.lua', import.meta.url), 'utf8');
const branches = Object.entries(OPERATIONS).map(
  ([operation, file]) => `if operation == '${operation}' then\n${readScript(file)}end\n`,
);

const text = `${prelude}\n${branches.join('')}return redis.error_reply('ERR unknown operation')\n`;

/**
 * Which text of the script this build has: a digest of it without the stamp, so that it is the same in every epoch. A
 * build with other operations, or with another comment in one of them, has another.
 */
export const SCRIPT_VERSION = createHash('sha256').update(text).digest('hex').slice(0, 12);

/**
 * The one script of an epoch, with every operation. It is stamped with the epoch, the installation, and the replication
 * id of the server that the epoch was built on, so that its SHA is the fence. Only the builder loads it. Every other
 * process sends EVALSHA with the SHA that the gate row names. Redis answers NOSCRIPT to the SHA of an older epoch, and
 * when it has forgotten its scripts.
 *
 * A fence is one value, so there is one script and not one for each operation. During an upgrade, processes of two
 * versions run side by side, and all of them use the script that the row names, of either version. So the arguments of
 * an operation may never change their meaning. A changed operation gets a new name.
 */
export function gateScript(epoch: number, installation: string, replicationId: string): string {
  // mutant: unstamped-script
  const stamp = `local EPOCH = '${epoch}'\nlocal INSTALLATION = '${installation}'\nlocal REPLICATION = '${replicationId}'\n`;
  return `${stamp}local VERSION = '${SCRIPT_VERSION}'\n${text}`;
}

/** The SHA of a script, as Redis will compute it. */
export function fenceOf(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}
