-- Not part of an epoch's script: it closes a campaign of the epoch that was open last, and keeps what is pending there.
-- KEYS  meta, applied_user, pending
-- ARGV  none
-- OUT   SEALED, also when it was sealed before; DAMAGED; NOTHING: no claim is pending. The builder deletes a campaign that
--       is not sealed.
local meta_key, applied_key, pending_key = KEYS[1], KEYS[2], KEYS[3]
local fields = redis.pcall('HMGET', meta_key, 'count', 'pending', 'sealed')
local claims = redis.pcall('HLEN', applied_key)
local waiting = redis.pcall('ZCARD', pending_key)
-- A key of a wrong type answers with an error.
if fields.err or type(claims) ~= 'number' or type(waiting) ~= 'number' then return 'DAMAGED' end
local count, pending, sealed = unpack(fields)
-- mutant: sealed-unchecked
if tonumber(count or sealed) ~= claims or tonumber(pending) ~= waiting then return 'DAMAGED' end
if waiting == 0 then return 'NOTHING' end
if count then
  -- Every operation of the epoch's script takes a meta without `count` for a missing one, and open-campaign makes none
  -- where there are claims. HDEL comes first, so this works also when Redis is out of memory; see change-terms.
  redis.call('HDEL', meta_key, 'count')
  redis.call('HSET', meta_key, 'sealed', count)
end
return 'SEALED'
