-- Also the operation open-missing; see issuance-gate.ts.
-- KEYS  meta, applied_user, pending
-- ARGV  total, startsAt ms, endsAt ms or '', state, version
-- OUT   {OPENED} {EXISTS} {FENCED, reason}
local total, starts_at, ends_at, state, version = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local damaged = damage()
if not damaged then return {'EXISTS'} end
if damaged ~= 'meta-missing' then return {'FENCED', damaged} end
-- Claims without a meta are the rest of a damaged campaign. To open it again would sell their coupons twice.
if redis.call('EXISTS', applied_key, pending_key) > 0 then return {'FENCED', damaged} end
-- A campaign that this epoch has had is lost, with all of its keys. So may be all campaigns when the roster is lost.
local campaign_id = string.match(meta_key, '{([^{}]+)}')
local has_been_here = redis.call('HGET', roster_key, campaign_id)
-- mutant: roster-ignored
if redis.call('EXISTS', roster_key) == 0 or has_been_here then return {'FENCED', damaged} end
-- This works also when Redis is out of memory; see change-terms.
redis.call('HDEL', meta_key, 'none')
redis.call('HSET', roster_key, campaign_id, 1)
redis.call('HSET', meta_key, 'total', total, 'startsAt', starts_at, 'endsAt', ends_at, 'state', state,
  'version', version, 'sequence', 0, 'count', 0, 'pending', 0, 'last', 0)
return {'OPENED'}
