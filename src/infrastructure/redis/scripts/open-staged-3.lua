-- Not part of an epoch's script: it writes the meta of an epoch that nobody has been let into yet.
-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version, the highest sequence that is known, claims that were staged,
--       of them pending
-- OUT   OPENED OLDER LOST. LOST: what was staged is not there any more, and a meta with fewer claims would sell their
--       coupons again.
local known = redis.call('HMGET', KEYS[1], 'version', 'sequence')
if known[1] and tonumber(known[1]) >= tonumber(ARGV[5]) then return 'OLDER' end
local sequence = math.max(tonumber(known[2] or 0), tonumber(ARGV[6]))
local claims = redis.call('HLEN', KEYS[2])
local waiting = redis.call('ZCARD', KEYS[3])
if claims ~= tonumber(ARGV[7]) or waiting ~= tonumber(ARGV[8]) then return 'LOST' end
redis.call('HSET', KEYS[1], 'total', ARGV[1], 'startsAt', ARGV[2], 'endsAt', ARGV[3], 'state', ARGV[4],
  'version', ARGV[5], 'sequence', string.format('%.0f', sequence), 'count', claims, 'pending', waiting)
return 'OPENED'
