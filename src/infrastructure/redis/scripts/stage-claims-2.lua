-- Not part of an epoch's script: it fills keys that no operation reads before their meta is there.
-- KEYS  applied_user, pending
-- ARGV  userId, record, and so on in pairs; '+' before the record of a claim that is pending
-- OUT   {claims added, of them pending}; a user who is there already keeps the claim that came first
local applied_key, pending_key = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local users, records = {}, {}
for at = 1, #ARGV, 2 do
  users[#users + 1], records[#records + 1] = unpack(ARGV, at, at + 1)
end
-- One read and one write for all of them: a rebuild stages each coupon of the campaign.
local known = redis.call('HMGET', applied_key, unpack(users))
local new_records, new_pending, seen = {}, {}, {}
for n, user_id in ipairs(users) do
  if not known[n] and not seen[user_id] then
    seen[user_id] = true
    local record = records[n]
    if string.sub(record, 1, 1) == '+' then
      record = string.sub(record, 2)
      local since = tonumber(string.match(record, '^[^|]*|[^|]*|(%d+)'))
      -- A claim may carry a future instant, from a machine whose clock ran ahead. The sweeper would ignore it until then.
      new_pending[#new_pending + 1] = string.format('%.0f', math.min(since, now))
      new_pending[#new_pending + 1] = user_id
    end
    new_records[#new_records + 1] = user_id
    new_records[#new_records + 1] = record
  end
end
if #new_records > 0 then redis.call('HSET', applied_key, unpack(new_records)) end
if #new_pending > 0 then redis.call('ZADD', pending_key, unpack(new_pending)) end
return {#new_records / 2, #new_pending / 2}
