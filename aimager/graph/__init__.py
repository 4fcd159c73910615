"""doit's side: plans, paths, tasks, and what a run says."""
