import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/** An answer of the service, on its way to the caller. */
export interface PassingAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** Stands in front of the service and changes its answers. */
export class LyingProxy {
  /** How many answers it has changed. */
  lies = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param lie what the caller gets instead; null: the answer as it is. */
  static async start(
    service: string,
    lie: (answer: PassingAnswer) => Partial<PassingAnswer> | null,
  ): Promise<LyingProxy> {
    const server = createServer((incoming, outgoing) => {
      const { method = 'GET', url: path = '/', headers } = incoming;
      const passed = request(`${service}${path}`, { method, headers }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => {
          const honest = { method, path, status: answer.statusCode ?? 502, body: Buffer.concat(pieces).toString() };
          const told = lie(honest);
          if (told !== null) proxy.lies += 1;
          const { status, body } = { ...honest, ...told };
          const kept = Object.entries(answer.headers).filter(
            ([name]) => !/^(?:content-length|transfer-encoding)$/.test(name),
          );
          outgoing
            .writeHead(status, { ...Object.fromEntries(kept), 'content-length': Buffer.byteLength(body) })
            .end(body);
        });
      });
      passed.on('error', () => outgoing.destroy());
      incoming.pipe(passed);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const proxy = new LyingProxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close').catch(() => undefined);
  }
}
