-- What scripts on one conversation share: its keys, the store's clock, how long it lives, where it is listed.
local recent, unfinished, names, expiries, unpruned, said = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local entries, times, open, spent = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local files, lapsing = KEYS[11], KEYS[12]
local state, log, messages, turns = KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local queue, keys, key_times, spent_here = KEYS[17], KEYS[18], KEYS[19], KEYS[20]
local approvals, tombstone = KEYS[21], KEYS[22]
local FIRST_OWN, LAST_OWN = 13, 21

local given = cmsgpack.unpack(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A hint is not worth a failed transaction: a server may forbid publishing.
local function publish(seq)
  redis.pcall('PUBLISH', given.channel, given.id .. ' ' .. seq)
end

-- Requests that were open when their conversation went have cost what was held: says which of them the
-- installation holds, each followed by that.
local function close_all(id)
  local settled = {}
  for _, place in ipairs(redis.call('ZRANGEBYLEX', open, '[' .. id .. ' ', '(' .. id .. '!')) do
    local row, held, day, shared = unpack(cmsgpack.unpack(redis.call('HGET', entries, place)))
    redis.call('ZREM', open, place)
    redis.call('HSET', entries, place, cmsgpack.pack({row, held, day, shared, {}, {}, 'deleted', held}))
    if shared == 1 then
      table.insert(settled, place)
      table.insert(settled, held)
    end
  end
  return settled
end

-- Drop a file, unless it is held or a conversation refers to it.
local function drop_file(file)
  local lapses = redis.call('ZSCORE', lapsing, file)
  if lapses and tonumber(lapses) > now then return end
  redis.call('ZREM', lapsing, file)
  if tonumber(redis.call('HGET', files, 'uses:' .. file) or 0) > 0 then return end
  redis.call('HDEL', files, 'facts:' .. file, 'bytes:' .. file, 'uses:' .. file)
end

-- A conversation refers to its files no more.
local function release_files(id)
  local packed = redis.call('HGET', files, 'of:' .. id)
  if not packed then return end
  redis.call('HDEL', files, 'of:' .. id)
  redis.call('ZREM', lapsing, 'of:' .. id)
  for _, file in ipairs(cmsgpack.unpack(packed)) do
    redis.call('HINCRBY', files, 'uses:' .. file, -1)
    drop_file(file)
  end
end

-- Take a conversation out of whatever lists it.
local function unlist(id)
  release_files(id)
  redis.call('ZREM', recent, id)
  redis.call('ZREM', unfinished, id)
  redis.call('ZREM', expiries, id)
  local name = redis.call('HGET', names, 'of:' .. id)
  if name then
    redis.call('HDEL', names, 'of:' .. id)
    if redis.call('HGET', names, 'name:' .. name) == id then
      redis.call('HDEL', names, 'name:' .. name)
    end
  end
end

-- Expired conversations are gone by themselves; what lists them is not. A hundred at a time is enough to keep up.
local function prune()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, 100)) do
    unlist(id)
    close_all(id)
  end
end

-- The lists of a principal live as long as the last conversation in them, and for ever if one of them does.
local function keep_lists()
  local last = redis.call('ZRANGE', expiries, -1, -1, 'WITHSCORES')[2]
  local all_expire = last and redis.call('ZCARD', expiries) == redis.call('ZCARD', recent)
  for _, key in ipairs({recent, unfinished, names, expiries, unpruned, said}) do
    if all_expire then redis.call('PEXPIREAT', key, last) else redis.call('PERSIST', key) end
  end
end

-- A conversation was used: it lives for the time to live that is in force now, or for ever.
local function touch()
  if given.ttl_ms > 0 then
    for i = FIRST_OWN, LAST_OWN do redis.call('PEXPIREAT', KEYS[i], now + given.ttl_ms) end
    redis.call('ZADD', expiries, now + given.ttl_ms, given.id)
    redis.call('ZADD', lapsing, 'XX', now + given.ttl_ms, 'of:' .. given.id)
    keep_lists()
  elseif redis.call('PTTL', state) > 0 then
    for i = FIRST_OWN, LAST_OWN do redis.call('PERSIST', KEYS[i]) end
    redis.call('ZREM', expiries, given.id)
    redis.call('ZREM', lapsing, 'of:' .. given.id)
    keep_lists()
  end
end

-- The whole state, packed as names and values in turn.
local function whole()
  return cmsgpack.pack(redis.call('HGETALL', state))
end

-- Give a turn the lease; returns the counter of its fence.
local function grant(turn_id, owner)
  local counter = redis.call('HINCRBY', state, 'counter', 1)
  local lapses = now + given.lease_ms
  redis.call('HSET', state, 'running', turn_id, 'owner', owner, 'until', lapses)
  redis.call('ZADD', unfinished, lapses, given.id)
  return counter
end
