-- Not part of an epoch's script: it fills keys that no operation reads before their meta is there.
-- KEYS  applied_user, pending
-- ARGV  userId, record, pending since ms or '', and so on in threes
-- OUT   {claims added, of them pending}; a user who is there already keeps the claim that came first
local applied_key, pending_key = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local added, waiting = 0, 0
for at = 1, #ARGV, 3 do
  local user_id, record, pending_since = unpack(ARGV, at, at + 2)
  if redis.call('HSETNX', applied_key, user_id, record) == 1 then
    added = added + 1
    -- A claim may carry a future instant, from a machine whose clock ran ahead. The sweeper would ignore it until then.
    if pending_since ~= '' then
      waiting = waiting + 1
      redis.call('ZADD', pending_key, string.format('%.0f', math.min(tonumber(pending_since), now)), user_id)
    end
  end
end
return {added, waiting}
