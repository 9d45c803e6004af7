import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const TURNSTILE_SECRET = '0x4AAAAAAA-for-tests-only';

/** What the widget put into a token. */
interface Widget {
  readonly action?: string;
  readonly cdata?: string;
}

/** Stands in for Cloudflare's siteverify: form in, JSON out, each token once. */
export class Siteverify {
  readonly url: string;
  /** `hangs`: it takes the question and never answers. `throttles`: as a web server does before siteverify is asked. */
  mode: 'works' | 'hangs' | 'breaks' | 'babbles' | 'throttles' = 'works';
  asked = 0;
  private readonly tokens = new Map<string, Widget>();
  private made = 0;

  private constructor(private readonly server: ReturnType<typeof createServer>) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/turnstile/v0/siteverify`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.answer(request, response));
  }

  static async start(): Promise<Siteverify> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Siteverify(server);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A person passes the widget. @returns the token that the page gets. */
  pass(widget: Widget): string {
    const token = `0.token-${++this.made}`;
    this.tokens.set(token, widget);
    return token;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1;
    const form = new URLSearchParams(await text(request));
    if (this.mode === 'hangs') return;
    const say = (status: number, body: unknown) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (this.mode === 'breaks') return say(500, { success: false, 'error-codes': ['internal-error'] });
    if (this.mode === 'throttles') return void response.writeHead(429).end('error code: 1015');
    if (this.mode === 'babbles') return void response.end('<html>');
    const refuse = (code: string) => say(200, { success: false, 'error-codes': [code], messages: [] });
    const type = request.headers['content-type'] ?? '';
    if (request.method !== 'POST' || !type.startsWith('application/x-www-form-urlencoded')) {
      return refuse('bad-request');
    }
    if (form.get('secret') !== TURNSTILE_SECRET) return refuse('invalid-input-secret');
    const token = form.get('response') ?? '';
    const widget = this.tokens.get(token);
    if (widget === undefined) {
      return refuse(token.startsWith('0.token-') ? 'timeout-or-duplicate' : 'invalid-input-response');
    }
    this.tokens.delete(token);
    const { action = '', cdata = '' } = widget;
    const challenge_ts = new Date().toISOString();
    say(200, { success: true, 'error-codes': [], challenge_ts, hostname: 'shop.example', action, cdata });
  }
}
