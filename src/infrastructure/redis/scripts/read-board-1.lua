-- Reads what the processes count whose time is not over. It writes nothing.
-- KEYS  board
-- ARGV  fields
-- OUT   for each process the values of the fields
-- The keys of the processes begin with that of the board.
local board_key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for _, id in ipairs(redis.call('ZRANGE', board_key, string.format('%.0f', now), '+inf', 'BYSCORE')) do
  answer[#answer + 1] = redis.call('HMGET', board_key .. ':' .. id, unpack(ARGV))
end
return answer
