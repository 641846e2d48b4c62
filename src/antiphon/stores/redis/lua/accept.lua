-- Accept a turn: claim the key, append, take the lease if no turn holds it.
if redis.call('EXISTS', state) == 0 then return {'missing'} end
if given.key then
  local packed = redis.call('HGET', keys, given.key)
  local known = packed and cmsgpack.unpack(packed)
  if known and known[4] >= now then
    if known[1] ~= given.body_hash then return {'reused'} end
    return {'known', known[2], known[3]}
  end
end
if given.message and redis.call('HEXISTS', messages, 'message:' .. given.message[1]) == 1 then
  return {'conflict'}
end
if lacks_files(given.change) then return {'fileless'} end
local running = redis.call('HGET', state, 'running')
if running ~= '' and given.when_busy == 'reject' then return {'busy', running} end
if running ~= '' then
  local starts = redis.call('ZSCORE', queue, running) and 1 or 0
  if redis.call('ZCARD', queue) - starts >= given.queue_max then return {'full'} end
end
if now - given.noted > given.noted_ms then return {'stale'} end
local cancels = running ~= '' and given.when_busy == 'interrupt'
if cancels then
  if not given.cancel or given.cancel.turn_id ~= running then
    return {'interrupts', running, tonumber(redis.call('HGET', state, 'last_seq'))}
  end
  table.insert(given.change.events, 1, given.cancel.event)
end

local before = tonumber(redis.call('HGET', state, 'last_seq'))
local begins = running == '' and given.start and given.start.last_seq == before
local refused = begins and refuses(given.start.change)
if refused then return refused end
local seq = commit(given.change)
if cancels then stop_waiting(running) end
local message_seq = 0
if given.message then
  message_seq = seq - 1
  put_message(given.message[1], given.message[2], given.message[3], message_seq)
end
put_turn(given.turn_id, {'queued', seq, message_seq, ''})
redis.call('ZADD', queue, seq, given.turn_id)
if given.key then
  -- Each accept adds one key and takes away two that have expired, so that they cannot pile up.
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', key_times, '-inf', now, 'LIMIT', 0, 2)) do
    redis.call('HDEL', keys, old)
    redis.call('ZREM', key_times, old)
  end
  local expires = now + given.key_ms
  redis.call('HSET', keys, given.key, cmsgpack.pack({given.body_hash, given.turn_id, seq, expires}))
  redis.call('ZADD', key_times, expires, given.key)
end
local counter = 0
if running == '' then counter = grant(given.turn_id, given.owner) end
publish(begins and commit(given.start.change) or seq)
touch()
return {'accepted', seq, counter, cancels and 1 or 0, begins and 1 or 0, whole()}
