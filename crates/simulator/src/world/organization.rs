//! Organizations: who the servers belong to and whether Apple's terms are accepted.

use serde::{Deserialize, Serialize};

use super::{PortalRefused, World};

/// What `org_type` says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrganizationType {
    #[default]
    Org,
    Edu,
}

/// What `org_version` says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrganizationVersion {
    /// In the programmes of before Apple Business Manager and Apple School Manager.
    V1,
    #[default]
    V2,
}

/// One organization, as the portal shows it.
#[derive(Clone, Serialize)]
pub(crate) struct Organization {
    pub(crate) org_id: String,
    pub(crate) org_name: String,
    pub(crate) org_type: OrganizationType,
    pub(crate) org_version: OrganizationVersion,
    pub(crate) org_email: String,
    pub(crate) org_phone: String,
    pub(crate) org_address: String,
    pub(crate) terms_accepted: bool,
    /// Whether it gets tokens for beta software.
    pub(crate) beta_access: bool,
}

impl Organization {
    /// Whether the calls of Apple Business Manager and Apple School Manager are for it.
    pub(crate) fn supports_enrollment(&self) -> bool {
        self.org_version == OrganizationVersion::V2
    }
}

impl World {
    /// Makes an organization. `org_id` is random digits when not named; a taken one is a conflict.
    pub(crate) fn found_organization(
        &mut self,
        name: Option<String>,
        kind: OrganizationType,
        version: OrganizationVersion,
        org_id: Option<String>,
    ) -> Result<&Organization, PortalRefused> {
        let org_id = org_id.unwrap_or_else(|| self.random.digits::<10>("org_id"));
        if org_id.is_empty() || self.organizations.contains_key(&org_id) {
            return Err(PortalRefused::Conflict(format!("There is already an organization {org_id:?}.")));
        }
        let number = self.organizations.len() + 1;
        let organization = Organization {
            org_id: org_id.clone(),
            org_name: name.unwrap_or_else(|| format!("Organization {number}")),
            org_type: kind,
            org_version: version,
            org_email: "devices@example.com".to_owned(),
            org_phone: "555-0100".to_owned(),
            org_address: "1 Example Street, Example City".to_owned(),
            terms_accepted: true,
            beta_access: true,
        };
        Ok(self.organizations.entry(org_id).or_insert(organization))
    }

    /// Accepts the terms for an organization, or withdraws them.
    pub(crate) fn set_terms(&mut self, org_id: &str, accepted: bool) -> Result<(), PortalRefused> {
        let missing = || PortalRefused::Missing(format!("No organization has the org_id {org_id}."));
        self.organizations.get_mut(org_id).ok_or_else(missing)?.terms_accepted = accepted;
        Ok(())
    }

    /// Gives an organization access to beta software, or takes it away.
    pub(crate) fn set_beta_access(&mut self, org_id: &str, access: bool) -> Result<(), PortalRefused> {
        let missing = || PortalRefused::Missing(format!("No organization has the org_id {org_id}."));
        self.organizations.get_mut(org_id).ok_or_else(missing)?.beta_access = access;
        Ok(())
    }
}
