local packed = redis.call('HGET', turns, 'turn:' .. given.turn_id)
if not packed then return {'missing'} end
local turn = cmsgpack.unpack(packed)
local function event_at(seq)
  if seq == 0 then return '' end
  return redis.call('XRANGE', log, seq .. '-0', seq .. '-0')[1][2][2]
end
touch()
return {'found', packed, event_at(turn[2]), event_at(turn[3]), whole()}
