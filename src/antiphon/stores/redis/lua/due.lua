-- How many conversations of a principal are unfinished, and some of those that may be claimed.
return {
  redis.call('ZCARD', unfinished),
  redis.call('ZRANGEBYSCORE', unfinished, '-inf', now, 'LIMIT', 0, given.limit),
}
