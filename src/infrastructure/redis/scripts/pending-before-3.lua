-- KEYS  meta, applied_user, pending
-- ARGV  before ms, limit, offset
-- OUT   {PAGE, userId, record, and so on, oldest first} {FENCED, reason}
local before, limit, offset = ARGV[2], ARGV[3], ARGV[4]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local users = redis.call('ZRANGE', pending_key, '-inf', '(' .. before, 'BYSCORE', 'LIMIT', offset, limit)
local page = {'PAGE'}
for at = 1, #users do
  local record = redis.call('HGET', applied_key, users[at])
  -- The counters agree, but this user is pending without a claim.
  if not record then return {'FENCED', 'pending-mismatch'} end
  page[#page + 1] = users[at]
  page[#page + 1] = record
end
return page
