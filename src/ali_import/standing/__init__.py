"""What stands in the cloud, and what a release says of it.

Nothing here makes an image. Like ``publish/``, it knows no SDK, no wall clock and no
global randomness.
"""
