-- A principal's files were looked at; the next may lapse at ARGV[3], if any. What somebody else noted meanwhile stays, unless this is sooner.
local principal, noted, lapses = ARGV[1], ARGV[2], ARGV[3]
if redis.call('ZSCORE', KEYS[1], principal) ~= noted then
  if lapses ~= '' then redis.call('ZADD', KEYS[1], 'LT', lapses, principal) end
elseif lapses == '' then
  redis.call('ZREM', KEYS[1], principal)
else
  redis.call('ZADD', KEYS[1], lapses, principal)
end
return 0
