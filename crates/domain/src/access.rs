//! Who calls, and what they may do. Making a [`Caller`] from a bearer token is `auth`'s work.

use std::net::IpAddr;

use super::{ClientId, TenantId};

words! {
    /// Graph's permission names that Adept knows.
    pub enum Permission: eq_ignore_ascii_case {
        /// `DeviceManagementServiceConfig.Read.All`
        ServiceConfigRead = "DeviceManagementServiceConfig.Read.All",
        /// `DeviceManagementServiceConfig.ReadWrite.All`
        ServiceConfigReadWrite = "DeviceManagementServiceConfig.ReadWrite.All",
        /// `DeviceManagementConfiguration.Read.All`
        ConfigurationRead = "DeviceManagementConfiguration.Read.All",
        /// `DeviceManagementConfiguration.ReadWrite.All`
        ConfigurationReadWrite = "DeviceManagementConfiguration.ReadWrite.All",
        /// `DeviceManagementManagedDevices.Read.All`
        ManagedDevicesRead = "DeviceManagementManagedDevices.Read.All",
        /// `DeviceManagementManagedDevices.ReadWrite.All`
        ManagedDevicesReadWrite = "DeviceManagementManagedDevices.ReadWrite.All",
        /// `DeviceManagementRBAC.Read.All`
        RbacRead = "DeviceManagementRBAC.Read.All",
        /// `DeviceManagementRBAC.ReadWrite.All`
        RbacReadWrite = "DeviceManagementRBAC.ReadWrite.All",
        /// `DeviceManagementApps.Read.All`
        AppsRead = "DeviceManagementApps.Read.All",
        /// `DeviceManagementApps.ReadWrite.All`
        AppsReadWrite = "DeviceManagementApps.ReadWrite.All",
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    /// Whether the set holds at least one of `wanted`.
    pub fn any_of(self, wanted: &[Permission]) -> bool {
        wanted.iter().any(|p| self.0 & (1 << *p as u16) != 0)
    }

    /// The members, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |p| self.any_of(&[*p]))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, p| set | 1 << p as u16))
    }
}

/// On whose behalf a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// An application with `roles`.
    Application,
    /// A person in a work account, through an application, with `scp`.
    User {
        /// The person's object id.
        user_id: String,
        /// `upn` or `preferred_username`, where the token names it.
        principal_name: Option<String>,
    },
    /// The operator at the command line of this machine.
    Operator,
}

/// Anyone who makes a call: verified, and bound to one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The only tenant whose rows this caller can see.
    pub tenant: TenantId,
    /// Application, person or operator.
    pub kind: CallerKind,
    /// The calling application; none for the operator.
    pub client: Option<ClientId>,
    /// The application's display name, where known.
    pub client_name: Option<String>,
    /// What the token allows.
    pub permissions: Permissions,
    /// Where the call came from, where that is known.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// The operator at the command line, acting in `tenant` with every permission.
    pub fn operator(tenant: TenantId) -> Self {
        Self {
            tenant,
            kind: CallerKind::Operator,
            client: None,
            client_name: Some("adept (command line)".to_owned()),
            permissions: Permission::ALL.into_iter().collect(),
            address: None,
        }
    }
}

/// A call that changes something: who makes it, and the request it belongs to (for the log and the audit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who calls.
    pub caller: Caller,
    /// The request's id, as answered in `request-id`.
    pub request: uuid::Uuid,
}

/// A create that its client may repeat: SHA-256 of the caller, the client's id of the request, the path and the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: Permissions = [Permission::ServiceConfigRead].into_iter().collect();
        assert!(set.any_of(&[Permission::ServiceConfigReadWrite, Permission::ServiceConfigRead]));
        assert!(!set.any_of(&[Permission::ServiceConfigReadWrite]));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Permission::ServiceConfigRead]);
    }

    #[test]
    fn names_are_found_in_any_case() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_word(&permission.as_str().to_lowercase()), Some(permission));
        }
        assert_eq!(Permission::from_word("User.Read"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in_once_or_twice_and_nothing_else() {
        for one in Permission::ALL {
            for other in Permission::ALL {
                let set: Permissions = [one, other, one].into_iter().collect();
                for asked in Permission::ALL {
                    let is_in = asked == one || asked == other;
                    assert_eq!(set.any_of(&[asked]), is_in, "{asked:?} of {one:?} and {other:?}");
                }
            }
        }
    }
}
