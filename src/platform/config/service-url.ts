import { type AppConfig } from './env.js';

/**
 * Where a command on the same machine finds the operators' calls of the service that this configuration starts. Without
 * BASE_PATH, which a proxy in front strips: the service itself knows no such path.
 */
export function adminUrlOf({ host, port, admin }: Pick<AppConfig, 'host' | 'port' | 'admin'>): string {
  const listener = admin ?? { host, port };
  const everywhere = listener.host === '0.0.0.0' || listener.host === '::';
  const name = everywhere ? '127.0.0.1' : listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return `http://${name}:${listener.port}`;
}

/**
 * The address of a service as an operator has named it with `--url`, without a slash at its end.
 * @throws TypeError that shows nothing of the text, because a password may be in it.
 */
export function serviceUrl(text: string): string {
  if (!URL.canParse(text)) throw new TypeError('--url: Invalid URL');
  const { protocol, username, password, search, hash, origin, pathname } = new URL(text);
  if (!/^https?:$/.test(protocol)) throw new TypeError('--url begins with http:// or https://');
  if (username !== '' || password !== '') throw new TypeError('--url must not hold a user or a password');
  if (search !== '' || hash !== '') throw new TypeError('--url ends with a host, a port or a path');
  return origin + pathname.replace(/\/+$/, '');
}
