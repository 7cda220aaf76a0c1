/* Not written yet: cache_shard. */
typedef int cache_shard_pending;
