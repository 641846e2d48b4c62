-- Up to `limit` messages from `message_id` towards the root, and the id that comes after them, if any.
local fields, id = {}, given.message_id
while id ~= '' and #fields < given.limit do
  local parent_id = redis.call('HGET', messages, 'parent:' .. id)
  if not parent_id then return {'missing'} end
  fields[#fields + 1] = 'message:' .. id
  id = parent_id
end
touch()
return {'found', id, cmsgpack.pack(redis.call('HMGET', messages, unpack(fields)))}
