-- KEYS  meta, applied_user, pending
-- ARGV  userId, claimId, idempotency digest or ''; and again for every further claim, in the order in which they came
-- OUT   {FENCED, reason}, or one answer for each claim, in their order:
--       {OK, claimId, sequence, claimedAt ms, remaining}
--       {DUPLICATE, claimId, record, 1 while it is pending, else 0}
--       {NOT_STARTED, claimId, startsAt ms} {PAUSED, claimId} {CLOSED, claimId} {ENDED, claimId} {SOLD_OUT, claimId}
-- The claimId is that of the question: answers carry no other sign of whose they are than their order, and a line that
-- loses one would hand every later one to somebody else.
local meta = redis.call('HMGET', KEYS[1], 'count', 'pending', 'total', 'sequence', 'state', 'startsAt', 'endsAt')
local claims = redis.call('HLEN', KEYS[2])
-- As damage() does it, with one read of the meta instead of two: this is the call that a drop consists of.
local waiting = redis.call('ZCARD', KEYS[3])
if not meta[1] then return {'FENCED', 'meta-missing'} end
if tonumber(meta[1]) ~= claims then return {'FENCED', 'count-mismatch'} end
if tonumber(meta[2]) ~= waiting then return {'FENCED', 'pending-mismatch'} end

local users = {}
for at = 2, #ARGV, 3 do users[#users + 1] = ARGV[at] end
local records = redis.call('HMGET', KEYS[2], unpack(users))
local state, starts_at, ends_at = meta[5], tonumber(meta[6]), meta[7] ~= '' and tonumber(meta[7])
local total, sequence = tonumber(meta[3]), tonumber(meta[4])
local at = now()
local instant = integer(at)

local answers, admitted, new_records, new_pending = {}, {}, {}, {}
for n, user in ipairs(users) do
  local claim_id, digest = ARGV[3 * n], ARGV[3 * n + 1]
  -- Before window and stock, so that a winner who asks again always sees the claim.
  if admitted[user] then
    answers[n] = {'DUPLICATE', claim_id, admitted[user], 1}
  elseif records[n] then
    answers[n] = {'DUPLICATE', claim_id, records[n], redis.call('ZSCORE', KEYS[3], user) and 1 or 0}
  elseif state ~= 'OPEN' then
    answers[n] = {state, claim_id}
  elseif at < starts_at then
    answers[n] = {'NOT_STARTED', claim_id, starts_at}
  elseif ends_at and at >= ends_at then
    answers[n] = {'ENDED', claim_id}
  elseif claims >= total then
    answers[n] = {'SOLD_OUT', claim_id}
  else
    sequence, claims, waiting = sequence + 1, claims + 1, waiting + 1
    admitted[user] = claim_id .. '|' .. integer(sequence) .. '|' .. instant .. '|' .. digest
    new_records[#new_records + 1] = user
    new_records[#new_records + 1] = admitted[user]
    new_pending[#new_pending + 1] = instant
    new_pending[#new_pending + 1] = user
    answers[n] = {'OK', claim_id, sequence, at, total - claims}
  end
end
if #new_records > 0 then
  redis.call('HSET', KEYS[1], 'sequence', integer(sequence), 'count', claims, 'pending', waiting)
  redis.call('HSET', KEYS[2], unpack(new_records))
  redis.call('ZADD', KEYS[3], unpack(new_pending))
end
return answers
