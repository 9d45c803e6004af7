-- KEYS  meta, applied_user, pending
-- ARGV  before ms, limit, offset
-- OUT   {PAGE, userId, record, and so on, oldest first} {FENCED, reason}
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local users = redis.call('ZRANGE', KEYS[3], '-inf', '(' .. ARGV[2], 'BYSCORE', 'LIMIT', ARGV[4], ARGV[3])
local page = {'PAGE'}
for at = 1, #users do
  local record = redis.call('HGET', KEYS[2], users[at])
  -- The counters agree, and yet somebody waits who has no claim.
  if not record then return {'FENCED', 'pending-mismatch'} end
  page[#page + 1] = users[at]
  page[#page + 1] = record
end
return page
