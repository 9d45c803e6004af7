-- Shows a process no longer: it stops.
-- KEYS  board, process
-- ARGV  id
-- Answers 1.
local board_key, process_key = KEYS[1], KEYS[2]
redis.call('ZREM', board_key, ARGV[1])
redis.call('UNLINK', process_key)
return 1
