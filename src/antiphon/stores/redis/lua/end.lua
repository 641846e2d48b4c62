-- Write a turn's end under its lease, and pass the lease on or free it.
if not holds(state, given.lease) then return {'lost'} end
local last_seq = commit(given.change)
local waiting, counter = redis.call('ZRANGE', queue, 0, 0)[1], 0
if waiting then
  counter = grant(waiting, given.lease.owner)
else
  redis.call('HSET', state, 'running', '', 'owner', '', 'until', 0)
  redis.call('ZREM', unfinished, given.id)
end
publish(last_seq)
touch()
return {'ended', last_seq, waiting or '', counter, settled}
