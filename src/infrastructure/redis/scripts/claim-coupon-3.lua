-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId, idempotency digest or ''
-- OUT   {OK, claimId, sequence, claimedAt ms, remaining}
--       {DUPLICATE, claimId, record, 1 while it is pending, else 0}
--       {NOT_STARTED, claimId, startsAt ms} {PAUSED, claimId} {CLOSED, claimId} {ENDED, claimId} {SOLD_OUT, claimId}
--       {FENCED, reason}
-- The claimId is that of the question: answers carry no other sign of whose they are than their order, and a line that
-- loses one would hand every later one to somebody else.
local user, claim_id, digest = ARGV[2], ARGV[3], ARGV[4]

local meta = redis.call('HMGET', KEYS[1], 'count', 'pending', 'total', 'sequence', 'state', 'startsAt', 'endsAt')
local claims = redis.call('HLEN', KEYS[2])
-- As damage() does it, with one read of the meta instead of two: this is the call that a drop consists of.
local waiting = redis.call('ZCARD', KEYS[3])
if not meta[1] then return {'FENCED', 'meta-missing'} end
if tonumber(meta[1]) ~= claims then return {'FENCED', 'count-mismatch'} end
if tonumber(meta[2]) ~= waiting then return {'FENCED', 'pending-mismatch'} end

-- Before window and stock, so that a winner who asks again always sees the claim.
local record = redis.call('HGET', KEYS[2], user)
if record then
  return {'DUPLICATE', claim_id, record, redis.call('ZSCORE', KEYS[3], user) and 1 or 0}
end
if meta[5] ~= 'OPEN' then return {meta[5], claim_id} end
local at = now()
if at < tonumber(meta[6]) then return {'NOT_STARTED', claim_id, tonumber(meta[6])} end
if meta[7] ~= '' and at >= tonumber(meta[7]) then return {'ENDED', claim_id} end
local total = tonumber(meta[3])
if claims >= total then return {'SOLD_OUT', claim_id} end

local sequence = tonumber(meta[4]) + 1
local instant = integer(at)
redis.call('HSET', KEYS[1], 'sequence', integer(sequence), 'count', claims + 1, 'pending', waiting + 1)
redis.call('HSET', KEYS[2], user, claim_id .. '|' .. integer(sequence) .. '|' .. instant .. '|' .. digest)
redis.call('ZADD', KEYS[3], instant, user)
return {'OK', claim_id, sequence, at, total - claims - 1}
