// The yardstick: Fastify with nothing behind it. It parses the same body and sends the same reply with the same
// headers. The bench compares the two replies before it measures.
import Fastify from 'fastify';
import { bareReply } from './bare-reply.mjs';

const app = Fastify({ keepAliveTimeout: 65_000 });
let sequence = 0;
app.post('/api/coupons/apply', (request, reply) => {
  const { userId, campaignId = 'default' } = request.body;
  sequence += 1;
  void reply
    .header('x-request-id', `VlJ3b0dHsXqM-${sequence.toString(36)}`)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store');
  void bareReply(reply, userId, campaignId, sequence);
});
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })}`);
