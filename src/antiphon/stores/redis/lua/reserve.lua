-- Hold an amount for a request in accounts of the installation, in all of them or in none; says since when.
local given = cmsgpack.unpack(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', KEYS[2], given.place)
if known then
  local principal, _, amount, accounts = unpack(cmsgpack.unpack(known))
  redis.call('HSET', KEYS[2], given.place, cmsgpack.pack({principal, now, amount, accounts}))
  redis.call('ZADD', KEYS[3], now + given.look_ms, given.place)
  return {'held', now, 0}
end
for _, limit in ipairs(given.limits) do
  if not limit.spent and redis.call('HEXISTS', KEYS[1], limit.account) == 0 then return {'new'} end
end
local accounts = {}
for i, limit in ipairs(given.limits) do
  accounts[i] = limit.account
  limit.key = KEYS[1]
  limit.begun = limit.spent and redis.call('HSETNX', KEYS[1], limit.account, limit.spent) == 1
end
local refused = hold(given.limits, given.amount)
if refused then return refused end
redis.call('HSET', KEYS[2], given.place, cmsgpack.pack({given.principal, now, given.amount, accounts}))
redis.call('ZADD', KEYS[3], now + given.look_ms, given.place)
return {'held', now, 1}
