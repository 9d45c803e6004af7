-- Shows what one process counts until its time is over, and forgets the processes whose time is over.
-- KEYS  board, process
-- ARGV  id, life in ms, then each field with its value
-- OUT   1
local board_key, process_key = KEYS[1], KEYS[2]
local id, life = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGE', board_key, '-inf', '(' .. string.format('%.0f', now), 'BYSCORE')) do
  redis.call('UNLINK', board_key .. ':' .. gone)
  redis.call('ZREM', board_key, gone)
end
redis.call('UNLINK', process_key)
redis.call('HSET', process_key, unpack(ARGV, 3))
redis.call('ZADD', board_key, string.format('%.0f', now + tonumber(life)), id)
return 1
