"""What tasks make: ids, records, the cache, and why something is rebuilt.

May import: packages, sandbox, model, the ground.
"""
