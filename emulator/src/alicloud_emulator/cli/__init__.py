"""The command ``alicloud-emulator``.

| file | what it holds |
|---|---|
| main.py | the command line, and the one place that catches errors |
| options.py | what options mean: profile, speed, weather, faults |
| run.py | ``exec``: a command inside the emulator |
| serve.py | ``serve`` and ``env``: a server that stays, and how to find it |
| session.py | an emulator with console and report, as both need it |
"""
