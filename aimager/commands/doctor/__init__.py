"""Whether this machine has what a build needs, found by trying it, and what to do if not."""
