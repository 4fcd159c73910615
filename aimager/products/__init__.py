"""What tasks make: ids, records, the cache, and why one is made again."""
