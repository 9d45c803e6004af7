-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId
-- OUT   {RELEASED} {GONE} {FENCED, reason}
local user_id, claim_id = ARGV[2], ARGV[3]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
-- mutant: any-claim-released-in-redis
if not belongs(redis.call('HGET', applied_key, user_id), claim_id) then return {'GONE'} end
local claims = redis.call('HLEN', applied_key)
local waiting = redis.call('ZCARD', pending_key)
redis.call('HDEL', applied_key, user_id)
local cleared = redis.call('ZREM', pending_key, user_id)
redis.call('HSET', meta_key, 'count', claims - 1, 'pending', waiting - cleared)
return {'RELEASED'}
