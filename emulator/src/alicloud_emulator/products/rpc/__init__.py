"""What every RPC product shares.

| file | what it holds |
|---|---|
| service.py | one call's way: its action, its parameters, its answer or error |
| parameters.py | parameters, parsed and checked |
| bodies.py | answers as JSON or XML, and the shape of times |
| hash_map.py | the order of keys in the gateway's JSON |
"""
