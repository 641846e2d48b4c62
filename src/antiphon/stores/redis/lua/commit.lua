-- Append events and change what is projected from them. Nothing here can refuse: check before you commit.
local SEARCHED = 2000 -- how many messages of a principal are searched

local OPEN = {queued = true, running = true, waiting = true}

local function put_message(id, parent_id, packed, seq)
  redis.call('HSET', messages, 'message:' .. id, seq .. ' ' .. packed, 'parent:' .. id, parent_id)
  redis.call('ZADD', said, 'NX', redis.call('HGET', state, 'updated_at'), given.id .. ' ' .. id)
  redis.call('ZREMRANGEBYRANK', said, 0, -1 - SEARCHED)
end

local function put_turn(id, turn)
  redis.call('HSET', turns, 'turn:' .. id, cmsgpack.pack(turn))
end

-- A turn that ran and ends notes where its deltas lie; one that waited has none, others' lie there. `ended` and `last` are the time and the seq of its end.
local function set_status(id, status, ended, last)
  local packed = redis.call('HGET', turns, 'turn:' .. id)
  if not packed then return end
  local turn = cmsgpack.unpack(packed)
  if not OPEN[status] then
    if OPEN[turn[1]] then redis.call('HINCRBY', state, 'turns', 1) end
    if turn[1] ~= 'queued' then redis.call('ZADD', unpruned, ended, id .. ' ' .. turn[2] .. ' ' .. last) end
    turn[4] = redis.call('HGET', state, 'head')
  end
  turn[1] = status
  put_turn(id, turn)
  if status ~= 'queued' then redis.call('ZREM', queue, id) end
end

-- Whether a message refers to a file that is not there.
local function lacks_files(change)
  for _, file in ipairs(change.files) do
    if redis.call('HEXISTS', files, 'facts:' .. file) == 0 then return true end
  end
  return false
end

-- The conversation refers to these files from now on, and nothing else need hold them.
local function use_files(used)
  if #used == 0 then return end
  local packed = redis.call('HGET', files, 'of:' .. given.id)
  local all, known = packed and cmsgpack.unpack(packed) or {}, {}
  for _, file in ipairs(all) do known[file] = true end
  for _, file in ipairs(used) do
    if not known[file] then
      table.insert(all, file)
      redis.call('HINCRBY', files, 'uses:' .. file, 1)
    end
    redis.call('ZREM', lapsing, file)
  end
  redis.call('HSET', files, 'of:' .. given.id, cmsgpack.pack(all))
  if given.ttl_ms > 0 then redis.call('ZADD', lapsing, now + given.ttl_ms, 'of:' .. given.id) end
end

-- What a turn asks for, or what was decided: of each only the first request counts, and the first decision after it. `open:<turn>` counts those that are undecided.
local function put_approval(id, turn_id, decided)
  local packed = redis.call('HGET', approvals, id)
  if not packed and decided == '' then
    redis.call('HINCRBY', approvals, 'open:' .. turn_id, 1)
    redis.call('HSET', approvals, id, cmsgpack.pack({turn_id, ''}))
  elseif packed and decided ~= '' then
    local asking, before = unpack(cmsgpack.unpack(packed))
    if before ~= '' then return end
    redis.call('HSET', approvals, id, cmsgpack.pack({asking, decided}))
    if redis.call('HINCRBY', approvals, 'open:' .. asking, -1) == 0 then
      redis.call('HDEL', approvals, 'open:' .. asking)
    end
  end
end

-- If this turn waits for approvals, it can be claimed from now on.
local function stop_waiting(turn_id)
  local held = redis.call('HMGET', state, 'running', 'owner')
  if held[1] == turn_id and held[2] == '' then
    redis.call('HSET', state, 'until', 0)
    redis.call('ZADD', unfinished, now, given.id)
  end
end

local function commit(change)
  local before = tonumber(redis.call('HGET', state, 'last_seq'))
  local last_seq = before + #change.events
  redis.call('HSET', state, 'last_seq', last_seq)
  for i, event in ipairs(change.events) do
    redis.call('XADD', log, (before + i) .. '-0', event[1], event[2])
  end
  for name, value in pairs(change.fields) do redis.call('HSET', state, name, value) end
  if change.settings_back then
    redis.call('HSET', state, 'settings_seq', last_seq - change.settings_back)
  end
  if change.compact_back then
    redis.call('HSET', state, 'compact_seq', last_seq - change.compact_back)
  end
  if change.fields.updated_at then redis.call('ZADD', recent, change.fields.updated_at, given.id) end
  for _, message in ipairs(change.messages) do
    put_message(message[1], message[2], message[3], last_seq)
  end
  for _, id in ipairs(change.removed) do
    redis.call('HDEL', messages, 'message:' .. id, 'parent:' .. id)
    redis.call('ZREM', said, given.id .. ' ' .. id)
  end
  for _, turn in ipairs(change.turns) do set_status(turn[1], turn[2], turn[3], last_seq - turn[4]) end
  use_files(change.files)
  for _, approval in ipairs(change.approvals) do put_approval(approval[1], approval[2], approval[3]) end
  for _, stopped in ipairs(change.stopped) do stop_waiting(stopped) end
  for i, opened in ipairs(change.opened) do open_entry(opened, i == 1 and change.hold) end
  for _, closed in ipairs(change.closed) do close_entry(closed) end
  return last_seq
end
