import { BlockList, isIP } from 'node:net';
import { Logger } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type TrustedProxies } from '../../config/variables.js';

/** `a.b.c.d:port`, `[v6]` and `[v6]:port`: some gateways write the caller's port behind the address. */
const WITH_PORT = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/i;

/** How often a header without an address is logged, ms. */
const QUIET_MS = 60_000;

/** The address in one entry of `X-Forwarded-For`; undefined when it is none. */
function addressIn(entry: string): string | undefined {
  // A zone, as in fe80::1%eth0, means something on the proxy alone, and may be a text of any length.
  if (isIP(entry) !== 0) return entry.includes('%') ? undefined : entry;
  const [, v6 = '', v4 = ''] = WITH_PORT.exec(entry) ?? [];
  if (isIP(v6) === 6) return v6;
  return isIP(v4) === 4 ? v4 : undefined;
}

/** Tells the addresses of callers. */
export class CallerAddresses {
  private readonly logger = new Logger('Http');
  private quietUntil = -Infinity;

  /** @param now monotonic, ms. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * What a trusted proxy says (TRUST_PROXY), otherwise the address of the connection. A proxy that passes on what its
   * caller wrote may say anything; only an address counts.
   */
  of({ ip, raw }: Pick<FastifyRequest, 'ip' | 'raw'>): string {
    const address = addressIn(ip);
    if (address !== undefined) return address;
    const { remoteAddress } = raw.socket;
    if (ip !== remoteAddress) this.warn(remoteAddress);
    return remoteAddress ?? 'unknown';
  }

  private warn(proxy: string | undefined): void {
    if (this.now() < this.quietUntil) return;
    this.quietUntil = this.now() + QUIET_MS;
    this.logger.warn(
      `the X-Forwarded-For that the trusted proxy ${proxy ?? 'unknown'} sends ends with no address, ` +
        'so its callers share one address in limits and logs',
    );
  }
}

const addresses = new CallerAddresses();

/** The address of the caller: {@link CallerAddresses.of}. */
export function callerAddress(request: Pick<FastifyRequest, 'ip' | 'raw'>): string {
  return addresses.of(request);
}

/** The option `trustProxy` of Fastify. A number is how many proxies stand one behind the other, the nearest first. */
export function trustOf(proxies: TrustedProxies): false | ((address: string, hop: number) => boolean) {
  if (proxies === null) return false;
  if (typeof proxies === 'number') return (_address, hop) => hop < proxies;
  const networks = new BlockList();
  for (const network of proxies) {
    const [address = '', bits] = network.split('/');
    if (bits === undefined) networks.addAddress(address, familyOf(address));
    else networks.addSubnet(address, Number(bits), familyOf(address));
  }
  // Fastify's own list of networks takes an address with a port for a caller.
  return (entry) => {
    const address = isIP(entry) === 6 ? entry.split('%', 1)[0] : addressIn(entry);
    return address !== undefined && networks.check(address, familyOf(address));
  };
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');
