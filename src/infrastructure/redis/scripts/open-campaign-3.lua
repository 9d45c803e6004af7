-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version
-- OUT   {OPENED} {EXISTS} {FENCED, reason}
local damaged = damage()
if not damaged then return {'EXISTS'} end
if damaged ~= 'meta-missing' then return {'FENCED', damaged} end
-- Claims without a meta are what is left of a damaged campaign: opened anew, it would sell their coupons again.
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return {'FENCED', damaged} end
-- Also while memory has run out; see change-terms.
redis.call('HDEL', KEYS[1], 'none')
redis.call('HSET', KEYS[1], 'total', ARGV[2], 'startsAt', ARGV[3], 'endsAt', ARGV[4], 'state', ARGV[5],
  'version', ARGV[6], 'sequence', 0, 'count', 0, 'pending', 0)
return {'OPENED'}
