-- KEYS  meta, applied_user, pending
-- ARGV  for each campaign, whose KEYS come in the same order: how many claims, and for each of them, in the order in which
--       they came, userId, claimId, idempotency digest or ''
-- OUT   {FENCED, reason}, or for each campaign either that or a list with one answer for each claim, in their order:
--       {OK, claimId, sequence, claimedAt ms, remaining}
--       {DUPLICATE, claimId, record, 1 while it is pending, else 0}
--       {NOT_STARTED, claimId, startsAt ms} {PAUSED, claimId} {CLOSED, claimId} {ENDED, claimId} {SOLD_OUT, claimId}
-- The claimId is that of the question: answers carry no other sign of whose they are than their order, and a line that
-- loses one would hand every later one to somebody else.
local at = now()
local instant = integer(at)
local answers, writes, named = {}, {}, {}
local next_argument = 2

-- First everything is read and decided, for all campaigns; then everything is written.
for first = 1, #KEYS, 3 do
  local meta_key, applied_key, pending_key = KEYS[first], KEYS[first + 1], KEYS[first + 2]
  -- The second time it would be decided on what the first time is about to change.
  if named[meta_key] then return redis.error_reply('ERR a campaign is named twice') end
  named[meta_key] = true

  local from, asked = next_argument + 1, tonumber(ARGV[next_argument])
  next_argument = from + 3 * asked

  local meta = redis.call('HMGET', meta_key, 'count', 'pending', 'total', 'sequence', 'state', 'startsAt', 'endsAt')
  local claims = redis.call('HLEN', applied_key)
  -- As damage() does it, with one read of the meta instead of two: this is the call that a drop consists of.
  local waiting = redis.call('ZCARD', pending_key)
  if not meta[1] then
    answers[#answers + 1] = {'FENCED', 'meta-missing'}
  -- mutant: claim-count-ignored
  elseif tonumber(meta[1]) ~= claims then
    answers[#answers + 1] = {'FENCED', 'count-mismatch'}
  elseif tonumber(meta[2]) ~= waiting then
    answers[#answers + 1] = {'FENCED', 'pending-mismatch'}
  else
    local users = {}
    for n = 1, asked do users[n] = ARGV[from + 3 * n - 3] end
    local records = redis.call('HMGET', applied_key, unpack(users))
    local state, starts_at, ends_at = meta[5], tonumber(meta[6]), meta[7] ~= '' and tonumber(meta[7])
    local total, sequence = tonumber(meta[3]), tonumber(meta[4])

    local decided, admitted, new_records, new_pending = {}, {}, {}, {}
    for n, user in ipairs(users) do
      local claim_id, digest = ARGV[from + 3 * n - 2], ARGV[from + 3 * n - 1]
      -- Before window and stock, so that a winner who asks again always sees the claim.
      if admitted[user] then
        decided[n] = {'DUPLICATE', claim_id, admitted[user], 1}
      elseif records[n] then
        decided[n] = {'DUPLICATE', claim_id, records[n], redis.call('ZSCORE', pending_key, user) and 1 or 0}
      elseif state ~= 'OPEN' then
        decided[n] = {state, claim_id}
      elseif at < starts_at then
        decided[n] = {'NOT_STARTED', claim_id, starts_at}
      elseif ends_at and at >= ends_at then
        decided[n] = {'ENDED', claim_id}
      elseif claims >= total then
        decided[n] = {'SOLD_OUT', claim_id}
      else
        sequence, claims, waiting = sequence + 1, claims + 1, waiting + 1
        admitted[user] = claim_id .. '|' .. integer(sequence) .. '|' .. instant .. '|' .. digest
        new_records[#new_records + 1] = user
        new_records[#new_records + 1] = admitted[user]
        new_pending[#new_pending + 1] = instant
        new_pending[#new_pending + 1] = user
        decided[n] = {'OK', claim_id, sequence, at, total - claims}
      end
    end
    answers[#answers + 1] = decided
    if #new_records > 0 then
      writes[#writes + 1] = {'HSET', meta_key, 'sequence', integer(sequence), 'count', claims, 'pending', waiting}
      writes[#writes + 1] = {'HSET', applied_key, unpack(new_records)}
      writes[#writes + 1] = {'ZADD', pending_key, unpack(new_pending)}
    end
  end
end
for _, write in ipairs(writes) do redis.call(unpack(write)) end
return answers
