-- Make a conversation, unless its name or its id is in use.
prune()
if given.name then
  local taken = redis.call('HGET', names, 'name:' .. given.name)
  if taken then
    local expires = redis.call('ZSCORE', expiries, taken)
    if not expires or tonumber(expires) > now then return {'taken', taken} end
    unlist(taken)
  end
end
if redis.call('EXISTS', state, tombstone) > 0 then return {'used'} end
for name, value in pairs(given.fields) do redis.call('HSET', state, name, value) end
redis.call('XADD', log, '1-0', given.event[1], given.event[2])
redis.call('ZADD', recent, given.fields.updated_at, given.id)
if given.name then
  redis.call('HSET', names, 'name:' .. given.name, given.id, 'of:' .. given.id, given.name)
end
publish(1)
touch()
return {'made', whole()}
