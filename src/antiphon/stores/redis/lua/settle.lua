-- Note since when a principal may have deltas to prune; drop the note if it has none and begins no turn.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] ~= '' then return redis.call('ZADD', KEYS[2], 'XX', ARGV[2], ARGV[1]) end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return redis.call('ZADD', KEYS[2], 'XX', now, ARGV[1]) end
return redis.call('ZREM', KEYS[2], ARGV[1])
