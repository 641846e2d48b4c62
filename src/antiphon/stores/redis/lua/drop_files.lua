-- Drop files that nothing keeps any more, and let go of those of conversations that have expired; says how many were looked at, and when to look again, if ever.
local due = redis.call('ZRANGEBYSCORE', lapsing, '-inf', now, 'LIMIT', 0, given.limit)
for _, place in ipairs(due) do
  if place:sub(1, 3) == 'of:' then release_files(place:sub(4)) else drop_file(place) end
end
return {#due, redis.call('ZRANGE', lapsing, 0, 0, 'WITHSCORES')[2] or false}
