"""Object storage: buckets, objects, uploads, and who may do what to them.

| file | what it holds |
|---|---|
| oss.py | the facade: everything below, put together |
| values.py | what is kept: buckets, objects, uploads; and how a call arrives |
| gate.py | hosts, regions, the mainland rule, ACLs and policies: who gets in |
| versions.py | versions of objects, and their markers |
| policies.py | bucket policies: what others may do |
| buckets.py | making, listing, describing and deleting buckets, ACL and tags |
| settings.py | configurations that are kept as they come (CORS, lifecycle, ...) |
| encryption.py | server-side encryption, in name only |
| objects.py | putting, reading, deleting objects |
| copying.py | copies, appends, links |
| attributes.py | ACL, tags and restoring of objects |
| conditions.py | If-Match and its kin |
| multipart.py | uploads in parts |
| listing.py | pages of keys: prefix, delimiter, marker |
| refusals.py | every error, with status, message and EC |
"""

from alicloud_emulator.world.oss.oss import Oss
from alicloud_emulator.world.oss.values import Bucket, StoredObject, Upload, Visit

__all__ = ["Bucket", "Oss", "StoredObject", "Upload", "Visit"]
