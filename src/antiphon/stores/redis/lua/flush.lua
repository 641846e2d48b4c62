-- Append block events of several conversations of one principal; KEYS are the state and the log of each.
local seqs = {}
for i, turn in ipairs(cmsgpack.unpack(ARGV[1])) do
  local state, log = KEYS[2 * i - 1], KEYS[2 * i]
  seqs[i] = 0
  if holds(state, turn.lease) then
    local before = tonumber(redis.call('HGET', state, 'last_seq'))
    seqs[i] = before + #turn.events
    redis.call('HSET', state, 'last_seq', seqs[i])
    for back, event in ipairs(turn.events) do
      redis.call('XADD', log, (before + back) .. '-0', event[1], event[2])
    end
    redis.pcall('PUBLISH', turn.channel, turn.id .. ' ' .. seqs[i])
  end
end
return seqs
