// The yardstick: Fastify with nothing behind it, which parses the same body and answers with the same reply.
import Fastify from 'fastify';

const app = Fastify();
let sequence = 0;
app.post('/api/coupons/apply', (request, reply) => {
  const { userId, campaignId = 'default' } = request.body;
  sequence += 1;
  void reply.header('location', `/api/campaigns/${campaignId}/claims/${userId}`).code(202).send({
    status: 'success',
    message: '쿠폰 발급 신청이 완료되었습니다.',
    claimId: '01M83QDZMNRJQPX8NCTA98Z45X',
    campaignId,
    sequence,
    claimedAt: new Date().toISOString(),
  });
});
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })}`);
