"""Functions, really executed: one process an instance, in a private folder.

| file | what it holds |
|---|---|
| manager.py | which instance runs an invocation; how many there are, and how long |
| instance.py | one process: starting, invoking, watching and killing it |
| frames.py | what goes over the pipes between manager and process |
| package.py | unpacking a function's code |
| environment.py | a process's variables, and what its handler is told |
| runtimes.py | how each runtime is started |
| network.py | what a function's process is told about the network |
| launch.py | first thing in the process: the lifeline; then the runtime |
| bootstrap_python.py, bootstrap_node.cjs | the runtimes: call the handler |

A function's process is given nothing of the emulator's environment, and ends when the
emulator does: the kernel kills its process group when the other end of its lifeline
goes. NOTE: it is no sandbox. Code that means to can read what this user can (under
``/proc`` also the emulator's environment), reach any network, and start processes that
leave the group (``setsid``) and outlive it.
"""
