-- Take over the running turn if its lease lapsed, or the oldest queued one if no turn runs.
local held = redis.call('HMGET', state, 'running', 'until')
local turn_id = held[1] or ''
if turn_id ~= '' and tonumber(held[2]) > now then return {'held'} end
if turn_id == '' then turn_id = redis.call('ZRANGE', queue, 0, 0)[1] or '' end
if turn_id == '' then
  redis.call('ZREM', unfinished, given.id)
  return {'none'}
end
local status = cmsgpack.unpack(redis.call('HGET', turns, 'turn:' .. turn_id))[1]
local counter = grant(turn_id, given.owner)
touch()
return {'claimed', turn_id, counter, status ~= 'queued' and 1 or 0}
