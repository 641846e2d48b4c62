-- Principals of whom files may have lapsed, the first of them first.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] .. '999', 'LIMIT', 0, ARGV[1])
