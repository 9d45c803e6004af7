-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId, and so on in pairs
-- OUT   {CLEARED} {FENCED, reason}; a claim that is not there any more, or another one by now, is left alone
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local waiting = redis.call('ZCARD', KEYS[3])
local users = {}
for at = 2, #ARGV, 2 do
  if belongs(redis.call('HGET', KEYS[2], ARGV[at]), ARGV[at + 1]) then users[#users + 1] = ARGV[at] end
end
local cleared = 0
for at = 1, #users do cleared = cleared + redis.call('ZREM', KEYS[3], users[at]) end
if cleared > 0 then redis.call('HSET', KEYS[1], 'pending', waiting - cleared) end
return {'CLEARED'}
