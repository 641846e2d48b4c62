-- The ledger's entries and the accounts of this principal and this conversation.

-- Requests that ended here and that the installation holds: each followed by what it cost.
local settled = {}

-- Make an account, unless there is one: it has spent what the ledger says. Says whether it made one.
local function begin(key, limit)
  if redis.call('HSETNX', key, limit.account, 0) == 0 then return false end
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local day = tonumber(fields[i]:match('^day:(.+)$'))
    if day and day >= limit.since_day then redis.call('HINCRBY', key, limit.account, fields[i + 1]) end
  end
  return true
end

-- Hold what a change's request may cost, or say why not. Check it last: what it held is not given back by itself.
local function refuses(change)
  local wanted = change.hold
  if not wanted then return nil end
  if redis.call('HEXISTS', entries, given.id .. ' ' .. change.opened[1].id) == 1 then return nil end
  if wanted.at and now - wanted.at > wanted.lasts_ms then return {'late'} end
  for _, limit in ipairs(wanted.limits) do
    if limit.scope == 'conversation' then limit.key = spent_here end
    if limit.scope == 'principal' then limit.key = spent end
    if limit.key then limit.begun = begin(limit.key, limit) end
  end
  return hold(wanted.limits, wanted.amount)
end

local function charge(day, amount)
  redis.call('HINCRBY', state, 'cost_nanodollars', amount)
  redis.call('HINCRBY', spent, 'day:' .. day, amount)
  redis.call('HINCRBY', spent_here, 'day:' .. day, amount)
end

-- `wanted` is what `refuses` has held for it.
local function open_entry(opened, wanted)
  local place = given.id .. ' ' .. opened.id
  if redis.call('HEXISTS', entries, place) == 1 then return end
  local mine, here = {}, {}
  for _, limit in ipairs(wanted and wanted.limits or {}) do
    if limit.key == spent then table.insert(mine, limit.account) end
    if limit.key == spent_here then table.insert(here, limit.account) end
  end
  local shared = wanted and wanted.at and 1 or 0
  redis.call('HSET', entries, place, cmsgpack.pack(
    {opened.row, opened.held, opened.day, shared, mine, here, '', '0'}))
  redis.call('ZADD', times, opened.at, place)
  redis.call('ZADD', open, 0, place)
  charge(opened.day, opened.held)
end

-- Nothing if it is not open.
local function close_entry(closed)
  local place = given.id .. ' ' .. closed.id
  if redis.call('ZREM', open, place) == 0 then return end
  local entry = cmsgpack.unpack(redis.call('HGET', entries, place))
  local row, held, day, shared, mine, here = unpack(entry)
  for _, account in ipairs(mine) do settle(spent, account, held, closed.cost) end
  for _, account in ipairs(here) do settle(spent_here, account, held, closed.cost) end
  charge(day, negative(held))
  charge(day, closed.cost)
  for name, amount in pairs(closed.amounts) do redis.call('HINCRBY', state, name, amount) end
  redis.call('HSET', entries, place, cmsgpack.pack({row, held, day, shared, {}, {}, closed.row, closed.cost}))
  if shared == 1 then
    table.insert(settled, place)
    table.insert(settled, closed.cost)
  end
end
