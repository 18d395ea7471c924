//! The navigations of `deviceManagement`: the settings, with their own navigations in turn, and the audit log. Each needs
//! the permission that its own address needs.

use super::{ExpandedNavigation, Expansions};
use crate::{
    domain::Permission,
    graph::{
        Graph, audit_events,
        entity::ExpandedMembers,
        error::Error,
        onboarding_settings,
        route::{AUDIT, READ},
        types::DEP_ONBOARDING_SETTING,
    },
};

impl Expansions {
    /// Expands the navigations of the singleton.
    pub(in crate::graph) async fn expand_device_management(
        &self,
        graph: &Graph,
    ) -> Result<ExpandedMembers, Error> {
        let mut expanded = Vec::new();
        for item in &self.items {
            let at = ExpandedNavigation { graph, scope: &self.scope, item };
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
        let kind = &DEP_ONBOARDING_SETTING;
        let listing = self.listing(onboarding_settings::LIST, &[], kind)?;
        let listed = self.graph.app.settings.list(&self.scope.caller, &listing.query).await?;
        let nested = self.item.inner.expand_settings(self.graph, &listed.rows).await?;
        self.list(&listing, kind, onboarding_settings::SET, &listed, &nested, expanded);
        Ok(())
    }

    async fn audit_events(&self, expanded: &mut ExpandedMembers) -> Result<(), Error> {
        self.permitted(AUDIT)?;
        let kind = audit_events::kind(self.scope.version);
        let listing = self.listing(audit_events::LIST, &[], kind)?;
        let listed = self.graph.app.audit.list(&self.scope.caller, &listing.query).await?;
        self.list(&listing, kind, audit_events::SET, &listed, &[], expanded);
        Ok(())
    }

    fn permitted(&self, needed: &'static [Permission]) -> Result<(), Error> {
        match self.scope.caller.permissions.any_of(needed) {
            true => Ok(()),
            false => Err(Error::Forbidden { needed }),
        }
    }
}
