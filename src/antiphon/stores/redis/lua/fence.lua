-- Whether `lease` is the one that the conversation with this state has now.
local function holds(state, lease)
  local held = redis.call('HMGET', state, 'counter', 'owner', 'running')
  return tonumber(held[1]) == lease.counter and held[2] == lease.owner and held[3] == lease.turn_id
end
