-- Not part of an epoch's script: it writes the meta of an epoch that is not open yet.
-- KEYS  meta, applied_user, pending, roster
-- ARGV  total, startsAt ms, endsAt ms or '', state, version, the highest sequence that is known, claims that were staged,
--       of them pending, the latest instant of a claim that is known ms
-- OUT   OPENED OLDER LOST. LOST: what was staged is not there any more, and a meta with fewer claims would sell their
--       coupons again.
local meta_key, applied_key, pending_key, roster_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local total, starts_at, ends_at, state, version = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local highest, staged, staged_pending, latest = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local known_version, known_sequence, known_last = unpack(redis.call('HMGET', meta_key, 'version', 'sequence', 'last'))
if known_version and tonumber(known_version) >= tonumber(version) then return 'OLDER' end
local sequence = math.max(tonumber(known_sequence or 0), tonumber(highest))
local last = math.max(tonumber(known_last or 0), tonumber(latest))
local claims = redis.call('HLEN', applied_key)
local waiting = redis.call('ZCARD', pending_key)
-- mutant: staged-uncounted
if claims ~= tonumber(staged) or waiting ~= tonumber(staged_pending) then return 'LOST' end
-- Without the roster, pages that were opened before would be taken for campaigns that were never here.
if redis.call('EXISTS', roster_key) == 0 then return 'LOST' end
redis.call('HSET', roster_key, string.match(meta_key, '{([^{}]+)}'), 1)
redis.call('HSET', meta_key, 'total', total, 'startsAt', starts_at, 'endsAt', ends_at, 'state', state,
  'version', version, 'sequence', string.format('%.0f', sequence), 'count', claims, 'pending', waiting,
  'last', string.format('%.0f', last))
return 'OPENED'
