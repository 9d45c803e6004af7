-- KEYS  meta, applied_user, pending
-- ARGV  none
-- OUT   {GAUGE, total, startsAt, endsAt or '', state, version, sequence, claimed, pending, oldest pending ms or ''}
--       {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local meta = redis.call('HMGET', KEYS[1], 'total', 'startsAt', 'endsAt', 'state', 'version', 'sequence')
local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
return {'GAUGE', meta[1], meta[2], meta[3], meta[4], meta[5], meta[6], redis.call('HLEN', KEYS[2]),
  redis.call('ZCARD', KEYS[3]), oldest[2] or ''}
