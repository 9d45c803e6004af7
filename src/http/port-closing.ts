import { type FastifyInstance } from 'fastify';

/** Turns of the event loop without a new connection, after which none is believed to wait. */
const QUIET_TURNS = 3;
/** The longest time for which requests are held, ms, while others keep connecting. */
const HELD_MS = 500;
/** How often, while the server closes, connections are ended that have become idle since, ms. */
const IDLE_CHECK_MS = 50;

/**
 * Closes the port without resetting anybody.
 *
 * Connections wait in the kernel until the process accepts them, a few in each turn of the event loop; a port that closes
 * resets those that still wait, although their callers have sent a request. So before it closes, the server goes on
 * accepting until nobody comes any more, and holds what is asked meanwhile: whoever waits for an answer asks for nothing
 * else. Only then does it close, and everything that was held is served.
 */
export class PortClosing {
  private held: (() => void)[] | null = null;

  constructor(private readonly fastify: FastifyInstance) {
    fastify.addHook('preClose', (done) => {
      this.closeIdleConnections();
      this.acceptThoseWhoWait(done);
    });
  }

  /** True while requests have to be passed to {@link hold}. */
  get holds(): boolean {
    return this.held !== null;
  }

  /** Calls `serve` when the port is closed. */
  hold(serve: () => void): void {
    if (this.held === null) serve();
    else this.held.push(serve);
  }

  private acceptThoseWhoWait(close: () => void): void {
    const { server } = this.fastify;
    const until = performance.now() + HELD_MS;
    let quiet = 0;
    const somebodyCame = (): void => void (quiet = 0);
    server.on('connection', somebodyCame);
    this.held = [];
    const turn = (): void => {
      quiet += 1;
      if (quiet <= QUIET_TURNS && performance.now() < until) {
        setImmediate(turn);
        return;
      }
      server.off('connection', somebodyCame);
      close();
      this.serveOnceClosed();
    };
    turn();
  }

  /** Fastify closes the port in one of the next turns. */
  private serveOnceClosed(until = performance.now() + HELD_MS): void {
    if (this.fastify.server.listening && performance.now() < until) {
      setImmediate(() => this.serveOnceClosed(until));
      return;
    }
    const held = this.held ?? [];
    this.held = null;
    for (const serve of held) serve();
  }

  /**
   * Node ends idle connections once, when it is told to close. One whose last request was answered a moment later would
   * keep the process alive for as long as the client keeps it open.
   */
  private closeIdleConnections(): void {
    const { server } = this.fastify;
    const timer = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    server.once('close', () => clearInterval(timer));
    timer.unref();
  }
}
