-- wrk: one POST for each request. USERS=unique makes every user a new one, anything else is the one user who asks.
-- CALL_BODY is the body with {user}, {number} and {campaign} in it; see Call in load.ts.
local campaigns = {}
for id in string.gmatch(os.getenv('CAMPAIGNS'), '[^,]+') do campaigns[#campaigns + 1] = id end
local users = os.getenv('USERS')
local run = os.getenv('RUN')
local path = os.getenv('CALL_PATH')
local threads = 0
local headers = { ['content-type'] = 'application/json' }

-- The body is split once, at the names. A request only fills in what differs.
local parts, holes = {}, {}
local known = { user = true, number = true, campaign = true }
local template, rest = os.getenv('CALL_BODY'), 1
for at, name, after in string.gmatch(template, '(){(%a+)}()') do
  if known[name] then
    parts[#parts + 1] = string.sub(template, rest, at - 1)
    parts[#parts + 1] = ''
    holes[#parts] = name
    rest = after
  end
end
parts[#parts + 1] = string.sub(template, rest)

function setup(thread)
  thread:set('thread_id', threads)
  threads = threads + 1
end

local sent = 0
local value = {
  user = function() return users == 'unique' and ('r' .. run .. '-' .. thread_id .. '-' .. sent) or users end,
  number = function() return string.format('%.0f', run * 1e7 + sent) end,
  campaign = function() return campaigns[sent % #campaigns + 1] end,
}
function request()
  sent = sent + 1
  for at, name in pairs(holes) do parts[at] = value[name]() end
  return wrk.format('POST', path, headers, table.concat(parts))
end

function done(summary, latency)
  io.write(string.format('{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%.3f,"p99":%.3f,"max":%.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
