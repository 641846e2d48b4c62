-- Up to `limit` events after a seq, without the deltas up to another one.
-- Packed: one value is read many times faster than a list of lists.
local found = {}
local first = string.format('%.0f-0', given.after + 1)
repeat
  local entries = redis.call('XRANGE', log, first, '+', 'COUNT', given.limit)
  for _, entry in ipairs(entries) do
    local kind = entry[2][1]
    if kind ~= 'block_delta' or tonumber(string.sub(entry[1], 1, -3)) > given.deltas_after then
      found[#found + 1] = {entry[1], kind, entry[2][2]}
      if #found == given.limit then break end
    end
  end
  if #entries > 0 then first = '(' .. entries[#entries][1] end
until #found == given.limit or #entries < given.limit
if redis.call('EXISTS', state) == 1 then touch() end
return cmsgpack.pack(found)
