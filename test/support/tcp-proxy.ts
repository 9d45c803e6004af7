import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the proxy does with the bytes that it receives. */
export type ProxyMode =
  /** Passes everything on. */
  | 'pass'
  /** Ends every connection, and every new one immediately. */
  | 'cut'
  /** Passes requests on and drops the replies: the command ran, and its caller does not learn it. */
  | 'drop-replies'
  /** Ends connections at chosen requests; see {@link TcpProxy.cutAt}. */
  | 'cut-chosen';

/**
 * What is lost with the connection: the request, or only its reply. Everything that is sent after it is lost as well.
 */
export type Loss = 'request' | 'reply';

/** Stands between a process and a server on 127.0.0.1. A test can tell it to break the connections. */
export class TcpProxy {
  /** How many pieces of replies `drop-replies` has dropped. */
  droppedReplies = 0;
  private mode: ProxyMode = 'pass';
  private lossOf: (request: Buffer) => Loss | null = () => null;
  private readonly sockets = new Set<Socket>();
  private readonly silenced = new WeakSet<Socket>();

  private constructor(
    private readonly server: Server,
    /** The port on which it listens. */
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

  /** `lossOf` gets everything that clients send, as it arrives, and decides when a connection ends. */
  cutAt(lossOf: (request: Buffer) => Loss | null): void {
    this.lossOf = lossOf;
    this.set('cut-chosen');
  }

  /** Passes on to another server from now on. Connected clients have to connect again. */
  lead(target: number): void {
    this.target = target;
    this.endConnections();
  }

  /**
   * Passes new connections on to another server. Existing connections keep their server; with `silenceOld` they get no
   * more replies.
   */
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
      // The event `close` follows an error.
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
