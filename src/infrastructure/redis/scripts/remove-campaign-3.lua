-- KEYS  meta, applied_user, pending
-- ARGV  version
-- OUT   {REMOVED} {KEPT} {FENCED, reason}. KEPT: it is not closed, has pending claims, or has terms of another version.
local version = ARGV[2]
local damaged = damage()
if damaged then return {'FENCED', damaged} end
local state, known_version = unpack(redis.call('HMGET', meta_key, 'state', 'version'))
local waiting = redis.call('ZCARD', pending_key)
-- mutant: unlinked-while-pending
if state ~= 'CLOSED' or tonumber(known_version) ~= tonumber(version) or waiting > 0 then return {'KEPT'} end
redis.call('UNLINK', meta_key, applied_key, pending_key)
return {'REMOVED'}
