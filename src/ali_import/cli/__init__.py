"""The command: the only package that reads arguments, prints, and exits."""
