-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId, and so on in pairs
-- OUT   {CLEARED} {FENCED, reason}; a claim that is not there any more, or another one by now, is left alone
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local waiting = redis.call('ZCARD', KEYS[3])
-- One read and one write for all of them. Lua hands some thousands of values over at once; the caller sends fewer.
local asked = {}
for at = 2, #ARGV, 2 do asked[#asked + 1] = ARGV[at] end
local records = redis.call('HMGET', KEYS[2], unpack(asked))
local users = {}
for at = 1, #asked do
  if belongs(records[at], ARGV[2 * at + 1]) then users[#users + 1] = asked[at] end
end
if #users == 0 then return {'CLEARED'} end
local cleared = redis.call('ZREM', KEYS[3], unpack(users))
if cleared > 0 then redis.call('HSET', KEYS[1], 'pending', waiting - cleared) end
return {'CLEARED'}
