import { type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Connections } from '../connections/connections.js';
import { pathOf } from '../problem/problem.js';

/** What operators and their tools use. Health is for everybody: a balancer asks at the public port. */
const FOR_OPERATORS = /^\/(?:api\/admin|console|metrics|docs|docs-json)(?:\/|$)/;

/**
 * A second port of the same server, for operators. While it is open, the public port answers as if what is only for
 * operators did not exist, so a network can let callers reach the one port and not the other.
 */
export class AdminListener {
  private server: Server | null = null;

  /**
   * @param connections the limits of this port: callers at the other one do not use them up.
   * @param behindProxies do operators come through the proxies of TRUST_PROXY? Otherwise no header names their address.
   */
  constructor(
    readonly connections: Connections,
    private readonly behindProxies = false,
  ) {}

  /** The second server, which serves the same routes. It is made together with the first one. */
  use(server: Server): void {
    this.server = server;
    // TRUST_PROXY tells about the way to the public port. Here the caller may have written these headers.
    // mutant: operators-without-an-address
    if (!this.behindProxies) server.prependListener('request', forgetForwarding);
  }

  /** Both servers of the application. */
  serversWith(first: Server): readonly Server[] {
    return this.server === null ? [first] : [first, this.server];
  }

  /** Does this request ask the public port for something that only the other one has? */
  hides({ raw, url }: Pick<FastifyRequest, 'raw' | 'url'>): boolean {
    return FOR_OPERATORS.test(pathOf(url)) && serverOf(raw) !== this.server;
  }

  /**
   * Opens the port.
   * @returns the URL at which it listens.
   * @throws the error of the operating system, for example when the port is in use. Its `variables` is `ADMIN_`, so that
   * a message can name ADMIN_PORT and ADMIN_HOST.
   */
  async listen(port: number, host: string): Promise<string> {
    const { server } = this;
    if (server === null) throw new Error('the admin listener has no server');
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => reject(Object.assign(error, { variables: 'ADMIN_' }));
      server.once('error', refuse);
      server.listen(port, host, () => {
        server.off('error', refuse);
        resolve();
      });
    });
    const { address, family, port: opened } = server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${opened}`;
  }

  /** The application is closed only when the second server is. */
  closeWith(fastify: FastifyInstance): void {
    fastify.addHook('onClose', (_instance, done) => {
      if (this.server?.listening === true) this.server.close(() => done());
      else done();
    });
  }
}

/** What Fastify believes of a trusted proxy. */
const FORWARDING = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const;

function forgetForwarding({ headers }: IncomingMessage): void {
  for (const name of FORWARDING) delete headers[name];
}

/** The server that accepted the connection. Node sets the property, but does not document it. */
function serverOf({ socket }: IncomingMessage): unknown {
  return (socket as { readonly server?: unknown }).server;
}
