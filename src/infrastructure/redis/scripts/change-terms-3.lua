-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version
-- OUT   {CHANGED} {OLDER} {BELOW_CLAIMED} {FENCED, reason}
local total, starts_at, ends_at, state, version = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
if tonumber(version) <= tonumber(redis.call('HGET', meta_key, 'version')) then return {'OLDER'} end
-- A lowering alone is refused. A gate that was rebuilt may hold more claims than the total, and can be paused all the same.
local lowered = tonumber(total) < tonumber(redis.call('HGET', meta_key, 'total'))
if lowered and tonumber(total) < redis.call('HLEN', applied_key) then return {'BELOW_CLAIMED'} end
-- An operator must be able to pause also while memory has run out. Redis lets a script write on whose first write frees
-- memory, so one that frees nothing comes first; the meta has no such field.
redis.call('HDEL', meta_key, 'none')
redis.call('HSET', meta_key, 'total', total, 'startsAt', starts_at, 'endsAt', ends_at, 'state', state, 'version', version)
return {'CHANGED'}
