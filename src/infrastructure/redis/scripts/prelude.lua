-- Stands before every operation, in the one script of an epoch; see gate-script.ts. KEYS of every operation but ping,
-- and of claim-batch for each of its campaigns:
--   1  meta          hash: total, startsAt, endsAt, state, version, sequence, count, pending, last (the latest claim's ms)
--   2  applied_user  hash: userId -> claimId|sequence|claimedAt|digest. HLEN is the counter.
--   3  pending       zset: userId -> ms, admitted and not yet seen in the database; never later than `last`
-- One more key belongs to the epoch and to no campaign: the roster, a hash.
-- When memory runs out, Redis refuses a script whose first write needs memory, and lets one that has written go on to its
-- end. So a command that frees memory may come first, and no operation may read after it has begun to write.

-- EPOCH and INSTALLATION are the stamp. Callers name the keys without the installation, coupon:{<campaign>}:<epoch>:meta,
-- and the stored ones are coupon:{<installation>:<campaign>}:<epoch>:meta. So a version that knew no installation can use
-- this script, and this version the script of that one.
local stored_keys = {}
for at, key in ipairs(KEYS) do
  -- A pass is invalid when its fence and its epoch do not belong together.
  -- mutant: keys-unchecked
  if not string.find(key, '}:' .. EPOCH .. ':', 1, true) then return {'FENCED', 'fence-missing'} end
  stored_keys[at] = 'coupon:{' .. INSTALLATION .. ':' .. string.sub(key, #'coupon:{' + 1)
end
local KEYS = stored_keys

local operation = ARGV[1]
local meta_key, applied_key, pending_key = KEYS[1], KEYS[2], KEYS[3]

-- REPLICATION is the replication id of the server that the epoch was built on; '' where the server hides it. A master
-- that followed another one and was promoted again still has this script, but has lost what the other one never had.
-- mutant: trusted-promotion
if REPLICATION ~= '' and not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. REPLICATION, 1, true) then
  return {'FENCED', 'promoted'}
end

-- Why the memory of this campaign cannot be trusted, or false. It reads all three keys, so that a key of a wrong type
-- ends every operation before it has written anything.
local function damage()
  local count, pending = unpack(redis.call('HMGET', meta_key, 'count', 'pending'))
  local claims = redis.call('HLEN', applied_key)
  local waiting = redis.call('ZCARD', pending_key)
  if not count then return 'meta-missing' end
  -- mutant: count-ignored
  if tonumber(count) ~= claims then return 'count-mismatch' end
  if tonumber(pending) ~= waiting then return 'pending-mismatch' end
  return false
end

-- The roster: its fields are the campaigns that this epoch has had, named as in their keys.
local roster_key = 'coupon:{' .. INSTALLATION .. ':_}:' .. EPOCH .. ':campaigns'

-- The clock of the gate, ms: this server's clock, for all processes.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Does this record belong to this claim? A late call must not touch the claim that came after it.
local function belongs(record, claim_id)
  return record and string.sub(record, 1, #claim_id + 1) == claim_id .. '|'
end

-- Writes an integer with all its digits: Lua would write 1764000000000 as 1.764e+12.
local function integer(number)
  return string.format('%.0f', number)
end
