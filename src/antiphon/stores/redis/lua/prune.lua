-- Remove up to `limit` deltas of a turn that ended; says how many. It is no use of the conversation.
local removed, first, page = 0, given.first .. '-0', nil
repeat
  page = redis.call('XRANGE', log, first, given.last .. '-0', 'COUNT', 200)
  local deltas = {}
  for _, entry in ipairs(page) do
    if entry[2][1] == 'block_delta' and removed + #deltas < given.limit then deltas[#deltas + 1] = entry[1] end
    first = '(' .. entry[1]
  end
  if #deltas > 0 then redis.call('XDEL', log, unpack(deltas)) end
  removed = removed + #deltas
until #page < 200 or removed == given.limit
if removed < given.limit then redis.call('ZREM', unpruned, given.turn) end
return removed
