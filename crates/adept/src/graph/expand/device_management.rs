//! The navigations of `deviceManagement`: the settings, with their own navigations in turn, and the audit log. Each needs
//! the permission that its own address needs.

use super::{ExpandedNavigation, Expansions};
use crate::{
    domain::Permission,
    graph::{
        audit_events,
        entity::ExpandedMembers,
        error::Error,
        onboarding_settings,
        request_context::RequestContext,
        route::{AUDIT, READ},
    },
};

impl Expansions {
    /// Expands the navigations of the singleton.
    pub(in crate::graph) async fn expand_device_management(
        &self,
        request: &RequestContext<'_>,
    ) -> Result<ExpandedMembers, Error> {
        let mut expanded = Vec::new();
        for item in &self.0 {
            let at = ExpandedNavigation { request, item };
            match item.navigation.name {
                "depOnboardingSettings" => at.settings(&mut expanded).await?,
                "auditEvents" => at.audit_events(&mut expanded).await?,
                _ => return Err(Error::NoNavigation(item.navigation.name.to_owned())),
            }
        }
        Ok(expanded)
    }
}

impl ExpandedNavigation<'_> {
    async fn settings(&self, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        self.permitted(READ)?;
        let listing = self.listing(onboarding_settings::LIST, &[], onboarding_settings::set())?;
        let request = self.request;
        let listed = request.app().settings.list(&request.caller, &listing.query).await?;
        let nested = self.item.inner.expand_settings(request, &listed.rows).await?;
        self.list(&listing, &listed, &nested, expanded);
        Ok(())
    }

    async fn audit_events(&self, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        self.permitted(AUDIT)?;
        let listing = self.listing(audit_events::LIST, &[], audit_events::set(self.request))?;
        let listed = self.request.app().audit.list(&self.request.caller, &listing.query).await?;
        self.list(&listing, &listed, &[], expanded);
        Ok(())
    }

    fn permitted(&self, needed: &'static [Permission]) -> Result<(), Error> {
        match self.request.caller.permissions.any_of(needed) {
            true => Ok(()),
            false => Err(Error::Forbidden { needed }),
        }
    }
}
