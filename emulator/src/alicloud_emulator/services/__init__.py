"""The wire: the request and the answer as every product sees them, and object storage.

| file | what it holds |
|---|---|
| wire.py | the request and the answer |
| declared.py | what an action takes, as a table |
| oss/ | object storage |
"""
