-- Keep a file until its hold lapses; one that is there keeps its bytes. They come by themselves: others may hold no bytes.
local lapses = now + given.held_ms
redis.call('HSET', files, 'facts:' .. given.file, given.facts)
redis.call('HSETNX', files, 'bytes:' .. given.file, ARGV[2])
local before = redis.call('ZSCORE', lapsing, given.file)
if not before or tonumber(before) < lapses then redis.call('ZADD', lapsing, lapses, given.file) end
return lapses
