-- KEYS  meta, applied_user, pending
-- ARGV  limit
-- OUT   {REDATED, entries that were dated to now, at most the limit} {FENCED, reason}
local limit = ARGV[2]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local at = integer(now())
local users = redis.call('ZRANGE', pending_key, '(' .. at, '+inf', 'BYSCORE', 'LIMIT', 0, limit)
if #users == 0 then return {'REDATED', 0} end
local dated = {}
for _, user_id in ipairs(users) do
  dated[#dated + 1] = at
  dated[#dated + 1] = user_id
end
-- This works also when Redis is out of memory; see change-terms.
redis.call('HDEL', meta_key, 'none')
redis.call('ZADD', pending_key, 'XX', unpack(dated))
return {'REDATED', #users}
