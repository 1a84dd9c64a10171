"""Operations of object storage that official SDKs know and the emulator does not.

They are answered with NotImplemented. A test holds the list against the SDKs.
"""

OSS = tuple(
    """
    AbortBucketWorm AsyncProcessObject CloseMetaQuery CompleteBucketWorm
    CreateAccessPoint CreateBucketDataRedundancyTransition
    CreateBucketMetadataConfiguration CreateCnameToken CreateSelectObjectMeta
    DeleteAccessPoint DeleteAccessPointPolicy DeleteAccessPointPublicAccessBlock
    DeleteBucketDataRedundancyTransition DeleteBucketMetadataConfiguration
    DeleteBucketOverwriteConfig DeleteBucketReplication DeleteBucketStorageQuota
    DeleteCname DeleteStyle DoDataPipelineAction DoMetaQuery DoMetaQueryAction
    ExtendBucketWorm GetAccessPoint GetAccessPointPolicy GetAccessPointPublicAccessBlock
    GetBucketDataRedundancyTransition GetBucketMetadataConfiguration
    GetBucketObjectWormConfiguration GetBucketOverwriteConfig GetBucketReplication
    GetBucketReplicationLocation GetBucketReplicationProgress GetBucketStorageQuota
    GetBucketWorm GetCnameToken GetMetaQueryStatus GetObjectLegalHold GetObjectRetention
    GetStyle InitiateBucketWorm ListAccessPoints ListBucketDataRedundancyTransition
    ListCloudBoxes ListCname ListStyle ListUserDataRedundancyTransition OpenMetaQuery
    ProcessObject PutAccessPointPolicy PutAccessPointPublicAccessBlock
    PutBucketObjectWormConfiguration PutBucketOverwriteConfig PutBucketReplication
    PutBucketRtc PutBucketStorageQuota PutCname PutObjectLegalHold PutObjectRetention
    PutStyle SelectObject UpdateBucketMetadataInventoryTableConfiguration
    UpdateBucketMetadataJournalTableConfiguration
    """.split()  # noqa: SIM905 - sixty strings, one a line, would hide the list
)
