-- Put the cost of requests in the place of what the installation holds for them; nothing where that was done.
for i = 1, #ARGV, 2 do
  local packed = redis.call('HGET', KEYS[2], ARGV[i])
  if packed then
    local _, _, amount, accounts = unpack(cmsgpack.unpack(packed))
    redis.call('HDEL', KEYS[2], ARGV[i]) -- first what frees memory: where it is full, the rest is allowed after that
    redis.call('ZREM', KEYS[3], ARGV[i])
    for _, account in ipairs(accounts) do settle(KEYS[1], account, amount, ARGV[i + 1]) end
  end
end
return #ARGV
