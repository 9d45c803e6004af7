-- KEYS  none
-- ARGV  none
-- OUT   OK. Whoever gets it has been let in: the script of the epoch is known to this server.
return 'OK'
