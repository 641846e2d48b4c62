-- Write a decision, unless there is one; the last that a turn waits for lets it go on.
local packed = redis.call('HGET', approvals, given.approval_id)
if not packed then return {'missing'} end
local turn_id, decided = unpack(cmsgpack.unpack(packed))
if decided ~= '' then return {'decided', decided} end
local held = redis.call('HMGET', state, 'running', 'owner', 'until')
if held[1] ~= turn_id or held[2] ~= '' or tonumber(held[3]) <= now then return {'late'} end
local last_seq = commit(given.change)
put_approval(given.approval_id, turn_id, given.decided)
if redis.call('HEXISTS', approvals, 'open:' .. turn_id) == 0 then
  set_status(turn_id, 'running')
  stop_waiting(turn_id)
end
publish(last_seq)
touch()
return {'done', last_seq}
