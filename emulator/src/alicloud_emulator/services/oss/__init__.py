"""Object storage on the wire: S3-like XML over virtual hosts.

| file | what it holds |
|---|---|
| service.py | the ``Service``: routing, common headers |
| routing.py | (method, sub-resource, level) to operation |
| call.py | a request in the words of object storage: headers, conditions, tags |
| xml.py | XML documents in and out |
| errors.py | error answers |
| operations.py, operations.json | what each operation was seen to read, and what is refused |
| catalog.py | the same as a page for people |
| root.py | ListBuckets, DescribeRegions |
| buckets.py, settings.py | operations on buckets, and their kept configurations |
| encryption.py | server-side encryption of objects, in name only |
| listing.py | ListObjects, ListObjectsV2, ListObjectVersions |
| objects.py, downloads.py | put, get, head, delete; ranges and blocks going out |
| forms.py | uploads by HTML form |
| callbacks.py | servers that are told of uploads |
| pace.py | requests that want to be slow |
| cors.py | what browsers ask and are told |
| copying.py | copy, append, symbolic links |
| attributes.py | ACL, tags and restoring of objects |
| multipart.py | uploads in parts |
"""

from alicloud_emulator.services.oss.service import OssService

__all__ = ["OssService"]
