-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId
-- OUT   {RELEASED} {GONE} {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
if not belongs(redis.call('HGET', KEYS[2], ARGV[2]), ARGV[3]) then return {'GONE'} end
local claims = redis.call('HLEN', KEYS[2])
local waiting = redis.call('ZCARD', KEYS[3])
redis.call('HDEL', KEYS[2], ARGV[2])
local cleared = redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[1], 'count', claims - 1, 'pending', waiting - cleared)
return {'RELEASED'}
