import { type AppConfig } from './env.js';

/** Where a command on the same machine finds the operators' calls of the service that this configuration starts. */
export function adminUrlOf({ host, port, admin, http }: Pick<AppConfig, 'host' | 'port' | 'admin' | 'http'>): string {
  const listener = admin ?? { host, port };
  const everywhere = listener.host === '0.0.0.0' || listener.host === '::';
  const name = everywhere ? '127.0.0.1' : listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return `http://${name}:${listener.port}${http.basePath}`;
}
