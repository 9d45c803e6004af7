import { isIPv6 } from 'node:net';

// RFC 3986 §3.2.2: a name, an IPv4 address, or an IP literal in brackets. RFC 9110 §7.2: with a port, without a user.
// Zones and IPvFuture mean nothing to another machine, so they are refused.
const HOST =
  /^(?:\[(?<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::(?<port>\d*))?$/;

/** The last good value. Nearly all callers use the same few names. */
let lastHost = '';

/** True for `host` or `host:port`, as in a Host field or in the authority of an absolute request target. */
export function isHost(value: string): boolean {
  if (value === lastHost && value !== '') return true;

  const parts = HOST.exec(value)?.groups;
  if (parts === undefined || Number(parts['port'] ?? 0) > 65_535) return false;

  const { ipv6 } = parts;
  if (ipv6 !== undefined && !isIPv6(ipv6)) return false;

  lastHost = value;
  return true;
}
