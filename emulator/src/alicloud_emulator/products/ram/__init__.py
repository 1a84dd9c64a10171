"""RAM on the wire.

| file | what it holds |
|---|---|
| service.py | the product: every action |
| roles.py, policies.py, tags.py | actions on each |
| paging.py | pages by marker |
"""

from alicloud_emulator.products.ram.service import RamService

__all__ = ["RamService"]
