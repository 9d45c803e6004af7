-- Asks a server, before it is used, what the user of this connection may not do. It changes nothing.
-- KEYS  first, second
-- ARGV  none
-- The keys are those of two campaigns and lie in two slots, so a server of a cluster refuses the call.
-- Answers commands that are forbidden on such keys; none where the server cannot tell.
if not redis.acl_check_cmd then return {} end
local key = KEYS[1]
local commands = {
  {'PING'}, {'INFO', 'replication'}, {'TIME'}, {'SCAN', '0'}, {'UNLINK', key}, {'EXISTS', key},
  {'EVAL', '', '1', key}, {'EVALSHA', '', '1', key}, {'SCRIPT', 'LOAD', ''},
  {'HGET', key, ''}, {'HMGET', key, ''}, {'HLEN', key}, {'HSET', key, '', ''}, {'HSETNX', key, '', ''}, {'HDEL', key, ''},
  {'ZADD', key, '0', ''}, {'ZCARD', key}, {'ZRANGE', key, '0', '0'}, {'ZREM', key, ''}, {'ZSCORE', key, ''},
}
local forbidden = {}
for _, command in ipairs(commands) do
  if not redis.acl_check_cmd(unpack(command)) then forbidden[#forbidden + 1] = command[1] end
end
return forbidden
