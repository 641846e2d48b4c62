-- Give back what is held for requests that never began, unless it is held anew; each is followed by since when.
for i = 1, #ARGV, 2 do
  local packed = redis.call('HGET', KEYS[2], ARGV[i])
  local principal, at, amount, accounts = unpack(packed and cmsgpack.unpack(packed) or {})
  if at == tonumber(ARGV[i + 1]) then
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
    for _, account in ipairs(accounts) do settle(KEYS[1], account, amount, '0') end
  end
end
return #ARGV
