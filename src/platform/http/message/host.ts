import { isIPv6 } from 'node:net';

// RFC 3986 §3.2.2: a reg-name or an IPv4 address, or an IP literal in brackets; RFC 9110 §7.2: and a port, no user. A
// zone or an IPvFuture has no meaning to another machine.
const HOST =
  /^(?:\[(?<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::(?<port>\d*))?$/;

/** The last good value: callers come through few names. */
let lastHost = '';

/** True for `host` or `host:port`, as a Host field or the authority of an absolute request target holds it. */
export function isHost(value: string): boolean {
  if (value === lastHost && value !== '') return true;

  const parts = HOST.exec(value)?.groups;
  if (parts === undefined || Number(parts['port'] ?? 0) > 65_535) return false;

  const { ipv6 } = parts;
  if (ipv6 !== undefined && !isIPv6(ipv6)) return false;

  lastHost = value;
  return true;
}
