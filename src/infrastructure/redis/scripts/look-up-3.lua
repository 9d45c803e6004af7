-- KEYS  meta, applied_user, pending
-- ARGV  userId
-- OUT   {FOUND, record, 1 while it is pending, else 0} {ABSENT} {FENCED, reason}
local user_id = ARGV[2]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local record = redis.call('HGET', applied_key, user_id)
if not record then return {'ABSENT'} end
return {'FOUND', record, redis.call('ZSCORE', pending_key, user_id) and 1 or 0}
