-- What became of a request that the installation holds: `open`, `closed` with its cost, or `none`. It is no use of the conversation.
local place = given.id .. ' ' .. given.entry
if redis.call('EXISTS', state) == 0 then close_all(given.id) end
local packed = redis.call('HGET', entries, place)
if not packed then return {'none'} end
local entry = cmsgpack.unpack(packed)
if entry[7] == '' then return {'open'} end
return {'closed', entry[8]}
