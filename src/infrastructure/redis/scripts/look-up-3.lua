-- KEYS  meta, applied_user, pending
-- ARGV  userId
-- OUT   {FOUND, record, 1 while it is pending, else 0} {ABSENT} {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local record = redis.call('HGET', KEYS[2], ARGV[2])
if not record then return {'ABSENT'} end
return {'FOUND', record, redis.call('ZSCORE', KEYS[3], ARGV[2]) and 1 or 0}
