import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of one kafkajs client. kafkajs waits for outstanding answers before it closes a connection, and some of
 * its waits have no limit. The owner of the sockets can end a client whose broker never answers.
 */
export class Sockets {
  private readonly open = new Set<Socket>();
  private closed = false;

  /** Connects as kafkajs does, but without Nagle's delay: every write is a whole request. */
  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.closed) throw new Error('this client has ended');
    const server = { host, port };
    const socket = ssl
      ? connectTls({ ...server, ...(isIP(host) === 0 ? { servername: host } : {}), ...Object(ssl) }, onConnect)
      : connect(server, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    return socket;
  };

  /** Ends every connection now. Requests that wait for an answer reject, and no new connection is made. */
  destroy(): void {
    this.closed = true;
    // Without an error kafkajs would not notice, and would go on waiting.
    for (const socket of this.open) socket.destroy(new Error('the connection was given up'));
  }
}
