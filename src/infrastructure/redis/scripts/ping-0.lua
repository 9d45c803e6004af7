-- KEYS  none
-- ARGV  none
-- OUT   OK: the pass is valid, since this server knows the script of the epoch.
return 'OK'
