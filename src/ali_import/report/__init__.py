"""What people and scripts see of a run: result lines, progress, logs, summary, JSON."""
