"""The products on the wire: requests in, calls on the world, answers out.

| file | what it holds |
|---|---|
| wire.py | the request and the answer as every service sees them |
| ecs.py, fc.py, ram.py, sts.py, oss/ ... | one product each: actions, parameters, bodies |
"""
