// The second yardstick: the least work for an acknowledged claim on Redis and Kafka. For each claim, one script call
// reads and writes what is needed, and one record is acknowledged. Batches wait only for the two before them. There is
// no validation, epoch, watch, deadline or metric, and no header but Location.
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';

const TOPIC = 'least_claims';
const PARTITIONS = 12;
const MAX_IN_FLIGHT = 2;
const KEYS = ['least:{claims}:meta', 'least:{claims}:applied_user', 'least:{claims}:pending'];
const CLAIM = `
local meta = redis.call('HMGET', KEYS[1], 'total', 'startsAt', 'endsAt', 'state', 'sequence', 'count', 'pending')
local claims, waiting = redis.call('HLEN', KEYS[2]), redis.call('ZCARD', KEYS[3])
if not meta[1] or tonumber(meta[6]) ~= claims or tonumber(meta[7]) ~= waiting then return {'FENCED'} end
local record = redis.call('HGET', KEYS[2], ARGV[1])
if record then return {'DUPLICATE', record} end
if meta[4] ~= 'OPEN' then return {meta[4]} end
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
if at < tonumber(meta[2]) then return {'NOT_STARTED'} end
if at >= tonumber(meta[3]) then return {'ENDED'} end
if claims >= tonumber(meta[1]) then return {'SOLD_OUT'} end
local sequence, instant = tonumber(meta[5]) + 1, string.format('%.0f', at)
redis.call('HSET', KEYS[1], 'sequence', sequence, 'count', claims + 1, 'pending', waiting + 1)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. '|' .. sequence .. '|' .. instant .. '|')
redis.call('ZADD', KEYS[3], instant, ARGV[1])
return {'OK', sequence, at}`;

const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true });
await redis.del(KEYS);
const meta = { total: 1e9, startsAt: 0, endsAt: 4e12, state: 'OPEN', sequence: 0, count: 0, pending: 0 };
await redis.hset(KEYS[0], meta);
const sha = await redis.script('LOAD', CLAIM);

const kafka = new Kafka({ brokers: process.env.KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR });
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
await admin.disconnect();
const producer = kafka.producer({ idempotent: false, retry: { retries: 0 } });
await producer.connect();

let waiting = [];
let inFlight = 0;
let scheduled = false;
let turn = 0;

function publish(key, value) {
  return new Promise((resolve, reject) => {
    waiting.push({ key, value, resolve, reject });
    schedule();
  });
}

function schedule() {
  if (scheduled || inFlight === MAX_IN_FLIGHT || waiting.length === 0) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    void send();
  });
}

async function send() {
  const batch = waiting;
  waiting = [];
  inFlight += 1;
  const partition = turn++ % PARTITIONS;
  try {
    await producer.send({
      topic: TOPIC,
      acks: -1,
      messages: batch.map(({ key, value }) => ({ key, value, partition })),
    });
    for (const { resolve } of batch) resolve();
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
  inFlight -= 1;
  schedule();
}

const app = Fastify();
let count = 0;
app.post('/api/coupons/apply', async (request, reply) => {
  const { userId, campaignId = 'default' } = request.body;
  count += 1;
  const claimId = `01M83QDZMNRJQPX8${String(count).padStart(10, '0')}`;
  const [outcome, sequence, claimedAt] = await redis.evalsha(sha, KEYS.length, ...KEYS, userId, claimId);
  if (outcome !== 'OK') return reply.code(409).send({ code: outcome });
  const event = { v: 1, claimId, campaignId, userId, sequence, claimedAt, epoch: 1 };
  await publish(`${campaignId}:${userId}`, JSON.stringify(event));
  reply.code(202).header('location', `/api/campaigns/${campaignId}/claims/${userId}`);
  return {
    status: 'success',
    message: '쿠폰 발급 신청이 완료되었습니다.',
    claimId,
    campaignId,
    sequence,
    claimedAt: new Date(claimedAt).toISOString(),
  };
});
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })}`);
