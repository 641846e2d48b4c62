-- A page of a principal's conversations, each with the time of its change, newest first, after `before`.
prune()
local found, offset = {}, 0
local newest = given.before_at or '+inf'
repeat
  local page = redis.call(
    'ZREVRANGEBYSCORE', recent, newest, '-inf', 'WITHSCORES', 'LIMIT', offset, given.limit)
  for i = 1, #page, 2 do
    local seen = tonumber(page[i + 1]) == given.before_at and page[i] >= given.before_id
    if not seen and #found < given.limit then found[#found + 1] = {page[i], page[i + 1]} end
  end
  offset = offset + given.limit
until #page == 0 or #found == given.limit
return found
