-- Note that of a principal's files one may lapse at ARGV[2]. What is noted for sooner becomes a millisecond sooner: whoever looks at them just now sees that there is more to look at.
local principal, lapses = ARGV[1], tonumber(ARGV[2])
local noted = redis.call('ZSCORE', KEYS[1], principal)
if noted and tonumber(noted) <= lapses then lapses = noted - 1 end
redis.call('ZADD', KEYS[1], string.format('%.0f', lapses), principal)
return 0
