-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version
-- OUT   {CHANGED} {OLDER} {BELOW_CLAIMED} {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
if tonumber(ARGV[6]) <= tonumber(redis.call('HGET', KEYS[1], 'version')) then return {'OLDER'} end
-- A lowering alone is refused. A gate that was rebuilt may hold more claims than the total, and can be paused all the same.
local lowered = tonumber(ARGV[2]) < tonumber(redis.call('HGET', KEYS[1], 'total'))
if lowered and tonumber(ARGV[2]) < redis.call('HLEN', KEYS[2]) then return {'BELOW_CLAIMED'} end
-- An operator must be able to pause also while memory has run out. Redis lets a script write on whose first write frees
-- memory, so one that frees nothing comes first; the meta has no such field.
redis.call('HDEL', KEYS[1], 'none')
redis.call('HSET', KEYS[1], 'total', ARGV[2], 'startsAt', ARGV[3], 'endsAt', ARGV[4], 'state', ARGV[5],
  'version', ARGV[6])
return {'CHANGED'}
