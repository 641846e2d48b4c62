-- Drop files that nothing keeps any more; says how many were looked at, and when to look again, if ever.
local due = redis.call('ZRANGEBYSCORE', lapsing, '-inf', now, 'LIMIT', 0, given.limit)
for _, file in ipairs(due) do drop_file(file) end
return {#due, redis.call('ZRANGE', lapsing, 0, 0, 'WITHSCORES')[2] or false}
