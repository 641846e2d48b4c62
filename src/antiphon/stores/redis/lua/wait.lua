-- Write what a turn asks people for, under its lease, and let go of that for a time; the turn keeps the conversation.
if not holds(state, given.lease) then return {'lost'} end
if tonumber(redis.call('HGET', state, 'last_seq')) ~= given.last_seq then return {'grown'} end
local last_seq = commit(given.change)
local over = now + given.wait_ms
redis.call('HSET', state, 'owner', '', 'until', over)
redis.call('ZADD', unfinished, over, given.id)
publish(last_seq)
touch()
return {'waits', last_seq}
