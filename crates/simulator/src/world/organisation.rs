//! Organisations: who the servers belong to and whether Apple's terms are accepted.

use serde::{Deserialize, Serialize};

use super::{PortalRefused, World};

/// What `org_type` says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrganisationType {
    #[default]
    Org,
    Edu,
}

/// What `org_version` says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrganisationVersion {
    /// In the programmes of before Apple Business Manager and Apple School Manager.
    V1,
    #[default]
    V2,
}

/// One organisation, as the portal shows it.
#[derive(Clone, Serialize)]
pub(crate) struct Organisation {
    pub(crate) org_id: String,
    pub(crate) org_name: String,
    pub(crate) org_type: OrganisationType,
    pub(crate) org_version: OrganisationVersion,
    pub(crate) org_email: String,
    pub(crate) org_phone: String,
    pub(crate) org_address: String,
    pub(crate) terms_accepted: bool,
    /// Whether it gets tokens for beta software.
    pub(crate) beta_access: bool,
}

impl Organisation {
    /// Whether the calls of Apple Business Manager and Apple School Manager are for it.
    pub(crate) fn supports_enrollment(&self) -> bool {
        self.org_version == OrganisationVersion::V2
    }
}

impl World {
    /// Makes an organisation. `org_id` is random digits when not given; a taken one is a conflict.
    pub(crate) fn found_organisation(
        &mut self,
        name: Option<String>,
        kind: OrganisationType,
        version: OrganisationVersion,
        org_id: Option<String>,
    ) -> Result<&Organisation, PortalRefused> {
        let org_id = org_id.unwrap_or_else(|| self.random.digits::<10>("org_id"));
        if org_id.is_empty() || self.organisations.contains_key(&org_id) {
            return Err(PortalRefused::Conflict(format!("There is already an organisation {org_id:?}.")));
        }
        let number = self.organisations.len() + 1;
        let organisation = Organisation {
            org_id: org_id.clone(),
            org_name: name.unwrap_or_else(|| format!("Organisation {number}")),
            org_type: kind,
            org_version: version,
            org_email: "devices@example.com".to_owned(),
            org_phone: "555-0100".to_owned(),
            org_address: "1 Example Street, Example City".to_owned(),
            terms_accepted: true,
            beta_access: true,
        };
        Ok(self.organisations.entry(org_id).or_insert(organisation))
    }

    /// Accepts the terms for an organisation, or withdraws them.
    pub(crate) fn set_terms(&mut self, org_id: &str, accepted: bool) -> Result<(), PortalRefused> {
        let missing = || PortalRefused::Missing(format!("No organisation has the org_id {org_id}."));
        self.organisations.get_mut(org_id).ok_or_else(missing)?.terms_accepted = accepted;
        Ok(())
    }

    /// Gives an organisation access to beta software, or takes it away.
    pub(crate) fn set_beta_access(&mut self, org_id: &str, access: bool) -> Result<(), PortalRefused> {
        let missing = || PortalRefused::Missing(format!("No organisation has the org_id {org_id}."));
        self.organisations.get_mut(org_id).ok_or_else(missing)?.beta_access = access;
        Ok(())
    }
}
