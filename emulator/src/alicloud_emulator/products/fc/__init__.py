"""Function Compute 3.0 on the wire.

| file | what it holds |
|---|---|
| service.py | the actions |
| actions.py | their paths, what they take and the codes they give |
| bodies.py | JSON in and out |
| invocations.py | InvokeFunction |
"""
