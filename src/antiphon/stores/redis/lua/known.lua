-- The turn that came with this key before.
if redis.call('EXISTS', state) == 0 then return {'missing'} end
local packed = redis.call('HGET', keys, given.key)
local known = packed and cmsgpack.unpack(packed)
if not known or known[4] < now then return {'new'} end
if known[1] ~= given.body_hash then return {'reused'} end
return {'known', known[2], known[3]}
