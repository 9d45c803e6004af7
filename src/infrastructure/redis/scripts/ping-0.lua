-- KEYS  none
-- ARGV  none
-- OUT   OK and the version of the text, in one string: the pass is valid, since this server knows the script of the epoch.
-- The build before takes every string for OK, and an array for a fence.
return 'OK ' .. VERSION
