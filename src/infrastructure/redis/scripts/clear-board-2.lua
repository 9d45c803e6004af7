-- Shows a process no longer: it stops.
-- KEYS  board, process
-- ARGV  id
-- OUT   1
local board_key, process_key = KEYS[1], KEYS[2]
local id = ARGV[1]
redis.call('ZREM', board_key, id)
redis.call('UNLINK', process_key)
return 1
