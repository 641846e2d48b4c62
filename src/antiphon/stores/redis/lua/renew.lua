if not holds(state, given.lease) then return 0 end
local lapses = now + given.lease_ms
redis.call('HSET', state, 'until', lapses)
redis.call('ZADD', unfinished, lapses, given.id)
touch()
return 1
