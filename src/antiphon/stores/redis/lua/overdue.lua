-- Requests that are held for long, each with its principal and since when; nobody looks at them again for a while.
local given = cmsgpack.unpack(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, place in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, given.limit)) do
  redis.call('ZADD', KEYS[2], now + given.look_ms, place)
  local packed = redis.call('HGET', KEYS[1], place)
  if packed then
    local principal, at = unpack(cmsgpack.unpack(packed))
    table.insert(found, {place, principal, at})
  end
end
return found
