"""Reports that another library draws over rows of the log, in a process of its own."""
