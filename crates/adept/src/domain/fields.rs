//! The properties that lists can be filtered and ordered by. `graph` maps Graph's names to these, `storage` maps
//! these to columns; both by an exhaustive match, so that a property cannot be forgotten on one side.

/// A property of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingField {
    /// `id`
    Id,
    /// `appleIdentifier`
    AppleIdentifier,
    /// `tokenName`
    TokenName,
    /// `tokenType`
    TokenType,
    /// `tokenExpirationDateTime`
    TokenExpiration,
    /// `lastModifiedDateTime`
    LastModified,
    /// `lastSuccessfulSyncDateTime`
    LastSuccessfulSync,
    /// `lastSyncTriggeredDateTime`
    LastSyncTriggered,
    /// `lastSyncErrorCode`
    LastSyncErrorCode,
    /// `syncedDeviceCount`
    SyncedDeviceCount,
    /// `dataSharingConsentGranted`
    DataSharingConsent,
    /// `shareTokenWithSchoolDataSyncService`
    ShareWithSchoolDataSync,
}

/// A property of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceField {
    /// `id`
    Id,
    /// `serialNumber`
    SerialNumber,
    /// `description`
    Description,
    /// `platform`
    Platform,
    /// `discoverySource`
    DiscoverySource,
    /// `isDeleted`
    IsDeleted,
    /// `createdDateTime`
    Created,
    /// `requestedEnrollmentProfileId`
    RequestedProfile,
    /// `requestedEnrollmentProfileAssignmentDateTime`
    RequestedProfileAt,
}

/// A property of an enrollment profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileField {
    /// `id`
    Id,
    /// `displayName`
    DisplayName,
    /// `description`
    Description,
    /// The type, for lists that are cast to one; the name of Graph's type without its namespace.
    Kind,
}

/// A property of an entry of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditField {
    /// `id`
    Id,
    /// `displayName` and `activityType`
    ActivityType,
    /// `componentName` and `category`: every entry has the same one.
    Component,
    /// `activity`
    Activity,
    /// `activityDateTime`
    At,
    /// `activityOperationType`
    Operation,
    /// `activityResult`: what failed changed nothing and is not in the log.
    Result,
    /// `correlationId`
    Correlation,
    /// `resources`: exactly one.
    Resources,
    /// `resourceId` of the resource
    ResourceId,
    /// `type` and `auditResourceType` of the resource
    ResourceKind,
    /// `displayName` of the resource
    ResourceName,
    /// `auditActorType` of the actor
    ActorType,
    /// `userId` of the actor
    ActorUser,
    /// `userPrincipalName` of the actor
    ActorPrincipalName,
    /// `applicationId` of the actor
    ActorClient,
    /// `applicationDisplayName` of the actor
    ActorClientName,
}
