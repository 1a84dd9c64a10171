"""Start-up files for children; see environment.py. Nothing here is imported."""
