"""What a cluster does while something runs on it: workers, tasks, retries, memory, and the jobs of lost ones."""
