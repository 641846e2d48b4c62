if given.lease and not holds(state, given.lease) then return {'lost'} end
if redis.call('EXISTS', state) == 0 then return {'missing'} end
if lacks_files(given.change) then return {'fileless'} end
local refused = refuses(given.change)
if refused then return refused end
local last_seq = commit(given.change)
publish(last_seq)
touch()
return {'done', last_seq, settled}
