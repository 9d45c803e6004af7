-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version
-- OUT   {CHANGED} {OLDER} {BELOW_CLAIMED} {FENCED, reason}
local total, starts_at, ends_at, state, version = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
if tonumber(version) <= tonumber(redis.call('HGET', meta_key, 'version')) then return {'OLDER'} end
-- Only a lower total is refused. A rebuilt gate may hold more claims than the total, and an operator must still be able
-- to pause it.
local lowered = tonumber(total) < tonumber(redis.call('HGET', meta_key, 'total'))
if lowered and tonumber(total) < redis.call('HLEN', applied_key) then return {'BELOW_CLAIMED'} end
-- An operator must be able to pause also when Redis is out of memory. Redis lets a script go on whose first write is a
-- command that frees memory. So HDEL comes first, of a field that the meta does not have.
redis.call('HDEL', meta_key, 'none')
redis.call('HSET', meta_key, 'total', total, 'startsAt', starts_at, 'endsAt', ends_at, 'state', state, 'version', version)
return {'CHANGED'}
