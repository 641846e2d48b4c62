-- Principals of whom files may have lapsed, the first of them first, each with the time of the next look: noted for that already, if this one fails.
local now = redis.call('TIME')[1] * 1000 + 999
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local noted = {}
for _, principal in ipairs(due) do
  local again = string.format('%.0f', now + ARGV[2])
  redis.call('ZADD', KEYS[1], again, principal)
  table.insert(noted, {principal, again})
end
return noted
