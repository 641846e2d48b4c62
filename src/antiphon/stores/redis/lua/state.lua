return cmsgpack.pack(redis.call('HGETALL', KEYS[1]))
