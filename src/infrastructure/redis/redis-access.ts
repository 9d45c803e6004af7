import { type Redis } from 'ioredis';
import { readScript } from './gate-script.js';
import { campaignKeys } from './redis.keys.js';

const CHECK_ACCESS = readScript('check-access-2.lua');
/** Keys of two campaigns that cannot exist. The script asks about them, and writes nothing. */
const KEYS = ['check-access', 'check-access-too'].map((campaignId) => campaignKeys(campaignId, 0).meta);

/** Refusals that end by themselves. A script that only asks gets any other error again. */
const PASSING = /^(?:BUSY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|UNBLOCKED)\b/;
const CLUSTERED = /^(?:CROSSSLOT|MOVED|ASK|CLUSTERDOWN|TRYAGAIN)\b/;

/**
 * Why the gate cannot be kept on this server although its INFO looks right, or null: the user lacks commands or keys,
 * or the server hides that it is a cluster.
 * @throws what the client rejects with while the server is away.
 */
export async function whyForbidden(client: Redis): Promise<string | null> {
  try {
    const forbidden = (await client.eval(CHECK_ACCESS, KEYS.length, ...KEYS)) as string[];
    if (forbidden.length === 0) return null;
    const commands = [...new Set(forbidden)].map((name) => name.toLowerCase()).join(', ');
    return `its user may not use ${commands} on keys of the form coupon:*`;
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'ReplyError' || PASSING.test(message)) throw error;
    if (CLUSTERED.test(message)) return `one Redis is needed, this one is part of a cluster: ${message}`;
    return `it does not run the gate's scripts for its user: ${message}`;
  }
}

/**
 * Why the database that the address names cannot be used, or null. When the server refuses it, ioredis goes on in
 * database 0, which may belong to another deployment.
 * @throws what the client rejects with while the server is away.
 */
export async function whyNoDatabase(client: Redis): Promise<string | null> {
  // ioredis has it as text when it comes from an address.
  const number = Number(client.options.db ?? 0);
  if (number === 0) return null;
  try {
    await client.select(number);
    return null;
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'ReplyError' || PASSING.test(message)) throw error;
    return `it does not open database ${number}: ${message}`;
  }
}
