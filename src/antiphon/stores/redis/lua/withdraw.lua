-- Write the end of a turn that waits; `gone` if it does not wait any more.
local packed = redis.call('HGET', turns, 'turn:' .. given.turn_id)
if not packed then return {'missing'} end
local running = redis.call('HGET', state, 'running')
if cmsgpack.unpack(packed)[1] ~= 'queued' or running == given.turn_id then return {'gone'} end
local last_seq = commit(given.change)
if running == '' and redis.call('ZCARD', queue) == 0 then redis.call('ZREM', unfinished, given.id) end
publish(last_seq)
touch()
return {'done', last_seq}
