-- KEYS  meta, applied_user, pending
-- ARGV  for each campaign, whose KEYS come in the same order: how many claims, and for each of them, in the order in which
--       they came, userId, claimId, idempotencyDigest or ''
-- OUT   {FENCED, reason}, or for each campaign either that or a list with one answer for each claim, in their order:
--       {OK, claimId, sequence, claimedAt ms, remaining}
--       {DUPLICATE, claimId, record, 1 while it is pending, else 0}
--       {NOT_STARTED, claimId, startsAt ms} {PAUSED, claimId} {CLOSED, claimId} {ENDED, claimId}
--       {SOLD_OUT, claimId, 1 when it is final, else 0}
-- A script of an older version answers {SOLD_OUT, claimId}. Then nothing says that it is final.
-- The claimId is that of the question. Without it only the order would tell whose an answer is: when one answer is lost,
-- every later caller would get that of another one.
local clock = now()
local answers, writes, named = {}, {}, {}
local next_argument = 2
-- Arguments of one claim.
local FIELDS = 3

-- First the script reads and decides for all campaigns, then it writes.
for first = 1, #KEYS, 3 do
  local meta_key, applied_key, pending_key = unpack(KEYS, first, first + 2)
  -- A second list of its claims would be decided on values that the first one is about to change.
  if named[meta_key] then return redis.error_reply('ERR a campaign is named twice') end
  named[meta_key] = true

  local from, asked = next_argument + 1, tonumber(ARGV[next_argument])
  next_argument = from + FIELDS * asked

  local count, pending, total, sequence, state, starts_at, ends_at, last = unpack(redis.call('HMGET', meta_key,
    'count', 'pending', 'total', 'sequence', 'state', 'startsAt', 'endsAt', 'last'))
  local claims = redis.call('HLEN', applied_key)
  -- The checks of damage(), with one read of the meta instead of two: a drop consists of this call.
  local waiting = redis.call('ZCARD', pending_key)
  if not count then
    answers[#answers + 1] = {'FENCED', 'meta-missing'}
  -- mutant: claim-count-ignored
  elseif tonumber(count) ~= claims then
    answers[#answers + 1] = {'FENCED', 'count-mismatch'}
  elseif tonumber(pending) ~= waiting then
    answers[#answers + 1] = {'FENCED', 'pending-mismatch'}
  else
    local users = {}
    for n = 1, asked do users[n] = ARGV[from + FIELDS * (n - 1)] end
    local records = redis.call('HMGET', applied_key, unpack(users))
    total, sequence, starts_at = tonumber(total), tonumber(sequence), tonumber(starts_at)
    ends_at = ends_at ~= '' and tonumber(ends_at)
    -- The instant of every claim of this call, also for the window: a clock that was set back neither lets instants fall
    -- against the sequence, nor closes a window that had begun.
    -- mutant: instant-by-clock
    local at = math.max(clock, tonumber(last or 0))
    local claimed_at = integer(at)

    local decided, admitted, new_records, new_pending = {}, {}, {}, {}
    -- mutant: reversed-batch
    for n = 1, asked do
      local first_field = from + FIELDS * (n - 1)
      local user_id, claim_id, idempotency_digest = unpack(ARGV, first_field, first_field + FIELDS - 1)
      -- This comes before window and stock, so that a winner who asks again always sees the claim.
      if admitted[user_id] then
        decided[n] = {'DUPLICATE', claim_id, admitted[user_id], 1}
      elseif records[n] then
        decided[n] = {'DUPLICATE', claim_id, records[n], redis.call('ZSCORE', pending_key, user_id) and 1 or 0}
      elseif state ~= 'OPEN' then
        decided[n] = {state, claim_id}
      elseif at < starts_at then
        decided[n] = {'NOT_STARTED', claim_id, starts_at}
      elseif ends_at and at >= ends_at then
        decided[n] = {'ENDED', claim_id}
      elseif claims >= total then
        -- While a claim is pending, its slot may come back: a rebuild forgets a claim that never became durable. Those that
        -- this batch has admitted count too.
        -- mutant: sold-out-always-final
        decided[n] = {'SOLD_OUT', claim_id, waiting == 0 and 1 or 0}
      else
        sequence, claims, waiting = sequence + 1, claims + 1, waiting + 1
        admitted[user_id] = claim_id .. '|' .. integer(sequence) .. '|' .. claimed_at .. '|' .. idempotency_digest
        new_records[#new_records + 1] = user_id
        new_records[#new_records + 1] = admitted[user_id]
        new_pending[#new_pending + 1] = claimed_at
        new_pending[#new_pending + 1] = user_id
        decided[n] = {'OK', claim_id, sequence, at, total - claims}
      end
    end
    answers[#answers + 1] = decided
    if #new_records > 0 then
      writes[#writes + 1] = {'HSET', meta_key, 'sequence', integer(sequence), 'count', claims, 'pending', waiting,
        'last', claimed_at}
      writes[#writes + 1] = {'HSET', applied_key, unpack(new_records)}
      writes[#writes + 1] = {'ZADD', pending_key, unpack(new_pending)}
    end
  end
end
for _, write in ipairs(writes) do redis.call(unpack(write)) end
return answers
