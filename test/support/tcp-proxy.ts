import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the proxy does with what it is given. */
export type ProxyMode =
  /** Passes everything on. */
  | 'pass'
  /** Ends every connection, and each new one at once. */
  | 'cut'
  /** Passes requests on and keeps the replies: the command ran, and nobody hears of it. */
  | 'drop-replies'
  /** Ends connections at the requests that were chosen; see {@link TcpProxy.cutAt}. */
  | 'cut-chosen';

/** What is lost with the connection: the request, or only its reply. Whatever is sent behind it is lost as well. */
export type Loss = 'request' | 'reply';

/** Stands between a process and a server on 127.0.0.1, and can be told to break the connections in between. */
export class TcpProxy {
  /** Pieces of replies that were kept from clients by `drop-replies`. */
  droppedReplies = 0;
  private mode: ProxyMode = 'pass';
  private lossOf: (request: Buffer) => Loss | null = () => null;
  private readonly sockets = new Set<Socket>();
  private readonly silenced = new WeakSet<Socket>();

  private constructor(
    private readonly server: Server,
    /** Where it listens. */
    readonly port: number,
    private target: number,
  ) {
    server.on('connection', (client) => this.join(client));
  }

  /** Listens on `port`, or on a free one, and passes on to `target`. */
  static async to(target: number, port = 0): Promise<TcpProxy> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address() as { port: number };
    return new TcpProxy(server, address.port, target);
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    if (mode === 'cut') this.endConnections();
  }

  /** `lossOf` sees everything that clients send, as it comes in, and says at what the connection ends. */
  cutAt(lossOf: (request: Buffer) => Loss | null): void {
    this.lossOf = lossOf;
    this.set('cut-chosen');
  }

  /** Passes on to another server from now on; whoever is connected has to connect again. */
  lead(target: number): void {
    this.target = target;
    this.endConnections();
  }

  /** Passes new connections on to another server; those that are there keep theirs, or hear no more of it. */
  leadNew(target: number, { silenceOld = false } = {}): void {
    this.target = target;
    if (silenceOld) for (const socket of this.sockets) this.silenced.add(socket);
  }

  async close(): Promise<void> {
    this.server.close();
    this.endConnections();
    await once(this.server, 'close');
  }

  private endConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket): void {
    if (this.mode === 'cut') {
      client.destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      // An error is followed by the close.
      socket.setNoDelay(true).on('error', () => undefined);
      socket.once('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    let doomed = false;
    client.on('data', (data: Buffer) => {
      if (doomed) return;
      const loss = this.mode === 'cut-chosen' ? this.lossOf(data) : null;
      if (loss === 'request') client.destroy();
      else server.write(data);
      doomed = loss !== null;
    });
    server.on('data', (data: Buffer) => {
      if (this.mode === 'drop-replies') {
        this.droppedReplies += 1;
        return;
      }
      if (this.silenced.has(client)) return;
      if (doomed) client.destroy();
      else client.write(data);
    });
  }
}
