-- Remove a conversation with everything in it; with a name, only if the name still points to it.
if given.name and redis.call('HGET', names, 'name:' .. given.name) ~= given.id then return {'moved'} end
if redis.call('EXISTS', state) == 0 then return {'missing'} end
local was, counter = whole(), redis.call('HGET', state, 'counter')
-- First what frees memory: where memory is full, a script may only go on to use some after that.
for i = FIRST_OWN, LAST_OWN do redis.call('UNLINK', KEYS[i]) end
redis.call('SET', tombstone, counter, 'EX', given.tombstone_s)
unlist(given.id)
local settled = close_all(given.id)
for _, message in ipairs(redis.call('ZRANGE', said, 0, -1)) do
  if message:sub(1, #given.id + 1) == given.id .. ' ' then redis.call('ZREM', said, message) end
end
return {'deleted', was, settled}
