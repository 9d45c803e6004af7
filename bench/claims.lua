-- wrk: one POST for each request. USERS=unique makes every user a new one, anything else is the one user who asks.
local campaigns = {}
for id in string.gmatch(os.getenv('CAMPAIGNS'), '[^,]+') do campaigns[#campaigns + 1] = id end
local users = os.getenv('USERS')
local run = os.getenv('RUN')
local threads = 0
local headers = { ['content-type'] = 'application/json' }

function setup(thread)
  thread:set('thread_id', threads)
  threads = threads + 1
end

local sent = 0
function request()
  sent = sent + 1
  local user = users == 'unique' and ('r' .. run .. '-' .. thread_id .. '-' .. sent) or users
  local body = '{"userId":"' .. user .. '","campaignId":"' .. campaigns[sent % #campaigns + 1] .. '"}'
  return wrk.format('POST', '/api/coupons/apply', headers, body)
end

function done(summary, latency)
  io.write(string.format('{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%.3f,"p99":%.3f,"max":%.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
