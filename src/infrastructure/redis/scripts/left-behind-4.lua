-- Not part of an epoch's script: it reads a campaign that seal-campaign has sealed. No operation writes there any more.
-- KEYS  sealed meta, sealed applied_user, sealed pending, applied_user of the epoch that is being built
-- ARGV  offset, limit
-- OUT   {pending entries looked at, claims that the new epoch holds, userId, record, and so on}: of the entries those whose
--       user the new epoch does not hold; {} when the counters do not agree any more
local meta_key, applied_key, pending_key, new_applied_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local offset, limit = ARGV[1], ARGV[2]
local sealed, pending = unpack(redis.call('HMGET', meta_key, 'sealed', 'pending'))
local claims = redis.call('HLEN', applied_key)
local waiting = redis.call('ZCARD', pending_key)
if tonumber(sealed) ~= claims or tonumber(pending) ~= waiting then return {} end
local users = redis.call('ZRANGE', pending_key, offset, offset + limit - 1)
local answer = {#users, redis.call('HLEN', new_applied_key)}
if #users == 0 then return answer end
local records = redis.call('HMGET', applied_key, unpack(users))
local known = redis.call('HMGET', new_applied_key, unpack(users))
for n, user_id in ipairs(users) do
  -- The counters agree, but this user is pending without a claim.
  if not records[n] then return {} end
  if not known[n] then
    answer[#answer + 1] = user_id
    answer[#answer + 1] = records[n]
  end
end
return answer
