//! The properties that lists can be filtered and ordered by. `graph` maps Graph's names to these, `storage` maps
//! these to columns; both by an exhaustive match, so that a property cannot be forgotten on one side.

use crate::DevicePlatform;

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
    /// `roleScopeTagIds`
    RoleScopeTags,
    /// `importedAppleDeviceIdentities`
    Devices,
    /// A property of one of them.
    Device(DeviceField),
    /// `enrollmentProfiles`
    Profiles,
    /// A property of one of them.
    Profile(ProfileField),
    /// `defaultIosEnrollmentProfile` and the like: whether there is one.
    DefaultProfile(DevicePlatform),
    /// A property of it.
    DefaultProfileField(DevicePlatform, ProfileField),
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
    /// `isSupervised`
    IsSupervised,
    /// `lastContactedDateTime`: devices report to an MDM, and none has reported to Adept.
    LastContacted,
    /// `enrollmentState`: for the same reason the same for every device.
    EnrollmentState,
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
    /// `isDefault`
    IsDefault,
    /// A property that is kept with the profile under its own name.
    Kept(&'static str, Kept),
}

/// What is kept of a profile's property, and so what stands for one that was never set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Text.
    Text,
    /// A boolean; false unless set.
    Bool,
    /// A number; 0 unless set.
    Int,
    /// A number that may be absent.
    OptionalInt,
    /// One of these words; the first unless set.
    Member(&'static [&'static str]),
    /// A collection of texts.
    Texts,
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
    /// `activityResult`: `Success`, or `Failure` of what was refused because of who asked.
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
    /// `ipAddress` of the actor
    ActorAddress,
}
