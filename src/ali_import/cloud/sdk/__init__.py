"""The cloud port on the official SDKs.

The core of the official SDK (``alibabacloud_tea_openapi``) signs and sends every ECS,
STS and Function Compute call by its generic entry, ``call_api``, with the same
parameters the product packages pass it. The ECS product package would add 1500 modules,
20 MB and a quarter of a second for the dozen actions used here; a test compares what
goes over the wire with what the product packages send. OSS has its own SDK,
``alibabacloud_oss_v2``, used as it is.

Nothing of an SDK is imported before the first call.
"""
