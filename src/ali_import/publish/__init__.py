"""The engine: puts targets into regions, whatever the weather.

It knows no SDK, no thread, no wall clock and no global randomness: the cloud, the
clock and the dice come from outside, so that simulation can own them.
"""
