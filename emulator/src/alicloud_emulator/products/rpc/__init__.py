"""What every RPC product shares.

| file | what it holds |
|---|---|
| action.py | an action: one function, and what is said beside it |
| api.py | a product: its actions, their parameters, its ways of saying no |
| door.py | what calls pass first, and what comes back to a token seen before |
| service.py | one call's way: its action, its parameters, its answer or error |
| parameters.py | parameters, parsed and checked |
| bodies.py | answers as JSON or XML, and the shape of times |
| hash_map.py | the order of keys in the gateway's JSON |
"""
