"""The state and the rules of the emulated cloud. It knows no HTTP and no threads.

Everything that takes time is computed from the clock that is passed in, and one seed
decides all chance, so the same world serves real sockets and virtual-time simulation.
"""
