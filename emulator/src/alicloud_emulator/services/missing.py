"""Actions that official SDKs know and the emulator does not.

Function Compute answers PathNotSupported, object storage NotImplemented. Tests hold
these lists against the SDKs.
"""

FC = tuple(
    """
    ChangeResourceGroup CreateAlias CreateCustomDomain CreateLayerVersion CreateSession
    CreateSnapshot CreateTrigger CreateVpcBinding DeleteAlias DeleteAsyncInvokeConfig
    DeleteConcurrencyConfig DeleteCustomDomain DeleteFunctionVersion DeleteLayerVersion
    DeleteProvisionConfig DeleteScalingConfig DeleteSession DeleteSnapshot DeleteTrigger
    DeleteVpcBinding DisableFunctionInvocation EnableFunctionInvocation GetAlias
    GetAsyncInvokeConfig GetAsyncTask GetConcurrencyConfig GetCustomDomain
    GetFunctionCode GetLayerVersion GetLayerVersionByArn GetProvisionConfig
    GetScalingConfig GetSession GetSnapshot GetTrigger ListAliases
    ListAsyncInvokeConfigs ListAsyncTasks ListConcurrencyConfigs ListCustomDomains
    ListFunctionVersions ListInstances ListLayerVersions ListLayers ListProvisionConfigs
    ListScalingConfigs ListSessions ListSnapshots ListTriggers ListVpcBindings
    PauseSession PublishFunctionVersion PutAsyncInvokeConfig PutConcurrencyConfig PutLayerACL
    PutProvisionConfig PutScalingConfig ResumeSession StopAsyncTask UpdateAlias
    UpdateCustomDomain UpdateSession UpdateTrigger
    """.split()  # noqa: SIM905 - sixty strings, one a line, would hide the list
)

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
    """.split()  # noqa: SIM905 - as above
)
