-- Up to `limit` events after a seq. Packed: one value is read many times faster than a list of lists.
local found = {}
local first = string.format('%.0f-0', given.after + 1)
for i, entry in ipairs(redis.call('XRANGE', log, first, '+', 'COUNT', given.limit)) do
  found[i] = {entry[1], entry[2][1], entry[2][2]}
end
if redis.call('EXISTS', state) == 1 then touch() end
return cmsgpack.pack(found)
