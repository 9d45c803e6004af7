-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId, and so on in pairs
-- OUT   {CLEARED} {FENCED, reason}; a claim that is not there any more, or another one by now, is left alone
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local waiting = redis.call('ZCARD', pending_key)
-- One read and one write for all claims. unpack() takes some thousands of values at once; the caller sends fewer.
local asked, claim_ids = {}, {}
for at = 2, #ARGV, 2 do
  local user_id, claim_id = unpack(ARGV, at, at + 1)
  asked[#asked + 1], claim_ids[#claim_ids + 1] = user_id, claim_id
end
local records = redis.call('HMGET', applied_key, unpack(asked))
local users = {}
for n, user_id in ipairs(asked) do
  -- mutant: any-claim-cleared-in-redis
  if belongs(records[n], claim_ids[n]) then users[#users + 1] = user_id end
end
if #users == 0 then return {'CLEARED'} end
local cleared = redis.call('ZREM', pending_key, unpack(users))
if cleared > 0 then redis.call('HSET', meta_key, 'pending', waiting - cleared) end
return {'CLEARED'}
