-- Amounts are decimal strings, which HINCRBY adds as 64-bit integers: a Lua number would round large ones.
local function negative(amount)
  if amount == '0' then return amount end
  if amount:sub(1, 1) == '-' then return amount:sub(2) end
  return '-' .. amount
end

local function is_greater(one, other)
  if one:sub(1, 1) == '-' then return false end -- limits are not below zero
  if #one ~= #other then return #one > #other end
  return one > other
end

-- Undo what `hold` did in the first `count` accounts, and what made accounts for it.
local function release(limits, count, amount)
  for i, limit in ipairs(limits) do
    local key = limit.key
    if key and limit.begun then
      redis.call('HDEL', key, limit.account)
    elseif key and i <= count then
      redis.call('HINCRBY', key, limit.account, negative(amount))
    end
  end
end

-- Hold an amount in all accounts whose key is here, or in none; then says why not, where, and what it would have come to.
local function hold(limits, amount)
  for i, limit in ipairs(limits) do
    local key = limit.key
    if limit.unheld then
      release(limits, i - 1, amount)
      return {'unheld'}
    end
    if key then
      redis.call('HINCRBY', key, limit.account, amount)
      local taken = redis.call('HGET', key, limit.account)
      if is_greater(taken, limit.most) then
        release(limits, i, amount)
        return {'over', i, taken}
      end
    end
  end
end

-- What was held in an account becomes what it cost.
local function settle(key, account, held, cost)
  redis.call('HINCRBY', key, account, negative(held))
  redis.call('HINCRBY', key, account, cost)
end
