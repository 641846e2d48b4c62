-- The last seq of each conversation whose state is a key; 0 where there is none.
local seqs = {}
for i, state in ipairs(KEYS) do seqs[i] = tonumber(redis.call('HGET', state, 'last_seq') or 0) end
return seqs
