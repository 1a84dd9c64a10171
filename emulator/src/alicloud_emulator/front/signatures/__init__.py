"""Who signed a request: one file for each way of signing.

| file | way |
|---|---|
| acs3.py | ACS3-HMAC-SHA256 in the Authorization header (RPC and ROA products) |
| rpc_v1.py | HMAC-SHA1 over the parameters, in query or form (older RPC SDKs) |
| oss_v4.py | OSS4-HMAC-SHA256, in the header or in a presigned URL |
| oss_v1.py | HMAC-SHA1 for OSS, in the header or in a presigned URL |
| oss_v2.py | HMAC-SHA256 for OSS, which only the older Python SDK has |
| claim.py | what each of them reads out of a request |
| nonces.py | nonces seen lately |
| verifier.py | picks the way, asks for the secret, and says no in the product's words |
"""
