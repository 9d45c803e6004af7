-- In front of every operation, in the one script that an epoch has; see gate-script.ts. KEYS of every operation but ping,
-- and of claim-batch for each of its campaigns:
--   1  meta          hash: total, startsAt, endsAt, state, version, sequence, count, pending
--   2  applied_user  hash: userId -> claimId|sequence|claimedAt|digest. HLEN is the counter.
--   3  pending       zset: userId -> ms, admitted and not yet seen in the database
-- A script that has written goes on to its end even when memory runs out, and one that has not is refused at its first
-- write: so whatever frees memory may come first, and nothing may read after it has begun to write.

local operation = ARGV[1]
local meta_key, applied_key, pending_key = KEYS[1], KEYS[2], KEYS[3]

-- EPOCH is the stamp. A pass whose fence and epoch do not belong together is nobody's.
for _, key in ipairs(KEYS) do
  -- mutant: keys-unchecked
  if not string.find(key, '}:' .. EPOCH .. ':', 1, true) then return {'FENCED', 'fence-missing'} end
end

-- REPLICATION is the history of the server that the epoch was built on, '' where it keeps that to itself. A master that
-- followed another one for a while and was promoted again has kept this script, but lost what the other one never had.
-- mutant: trusted-promotion
if REPLICATION ~= '' and not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. REPLICATION, 1, true) then
  return {'FENCED', 'promoted'}
end

-- Why the memory of this campaign cannot be trusted, or false. It reads all three keys, so that one of a wrong type ends
-- every operation before it has written anything.
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

-- The clock of the gate, ms: this server's, for everybody.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Does this record belong to this claim? A late call must not touch the claim that came after it.
local function belongs(record, claim_id)
  return record and string.sub(record, 1, #claim_id + 1) == claim_id .. '|'
end

-- Numbers are written as what they are: Lua would write 1764000000000 as 1.764e+12.
local function integer(number)
  return string.format('%.0f', number)
end
