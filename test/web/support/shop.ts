import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/** A shop: a server whose page the test writes. */
export interface Shop {
  readonly server: Server;
  readonly origin: string;
  /** @param content of the page. @param head what stands in its head. */
  write(content: string, head?: string): void;
}

export async function openShop(): Promise<Shop> {
  let html = '';
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    origin,
    write: (content, head = '') =>
      (html = `<!doctype html><html lang="ko"><head><title>Shop</title><link rel="icon" href="data:,">${head}</head><body><main>${content}</main></body></html>`),
  };
}
