import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { UsageError } from './usage-error.js';

/**
 * A rehearsal is a flood. Towards a service of others it would be an attack, so it is refused by default.
 * @throws UsageError if this is the address of another machine.
 */
export async function requireThisMachine({ hostname }: URL): Promise<void> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const found = await lookup(host, { all: true }).catch(() => {
    throw new UsageError(`${host} has no address`);
  });
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
  );
  const foreign = found.find(({ address }) => !own.has(address) && !isLoopback(address));
  if (foreign === undefined) return;
  throw new UsageError(
    `${host} (${foreign.address}) is not this machine. A rehearsal floods a service and issues its coupons; ` +
      'if the service is yours, add --i-own-this',
  );
}

function isLoopback(address: string): boolean {
  return /^(?:127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$)/.test(address);
}
