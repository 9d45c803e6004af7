-- KEYS  meta, applied_user, pending
-- ARGV  none
-- OUT   {GAUGE, total, startsAt, endsAt or '', state, version, sequence, claimed, pending, oldest pending ms or '',
--       the latest claim's ms}
--       {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local total, starts_at, ends_at, state, version, sequence, last = unpack(redis.call('HMGET', meta_key,
  'total', 'startsAt', 'endsAt', 'state', 'version', 'sequence', 'last'))
local _, oldest_at = unpack(redis.call('ZRANGE', pending_key, 0, 0, 'WITHSCORES'))
return {'GAUGE', total, starts_at, ends_at, state, version, sequence, redis.call('HLEN', applied_key),
  redis.call('ZCARD', pending_key), oldest_at or '', last or 0}
