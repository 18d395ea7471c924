//! What is behind the navigations of `deviceManagement`: the settings, with what is behind them in turn, and the audit
//! log. Each needs the permission that its own address needs.

use super::{At, Expansions};
use crate::{
    domain::Permission,
    graph::{
        Graph, audit_events,
        entity::Behind,
        error::Error,
        onboarding_settings,
        router::{AUDIT, READ},
        types::DEP_ONBOARDING_SETTING,
    },
};

impl Expansions {
    /// What is behind the navigations of the singleton.
    pub(in crate::graph) async fn behind_device_management(&self, graph: &Graph) -> Result<Behind, Error> {
        let mut behind = Vec::new();
        for wanted in &self.wanted {
            let at = At { graph, asked: &self.asked, wanted };
            match wanted.way.name {
                "depOnboardingSettings" => at.settings(&mut behind).await?,
                "auditEvents" => at.audit_events(&mut behind).await?,
                _ => return Err(Error::NoNavigation(wanted.way.name.to_owned())),
            }
        }
        Ok(behind)
    }
}

impl At<'_> {
    async fn settings(&self, behind: &mut Behind) -> Result<(), Error> {
        self.permitted(READ)?;
        let kind = &DEP_ONBOARDING_SETTING;
        let listing = self.listing(onboarding_settings::LIST, &[], kind)?;
        let listed = self.graph.app.settings(&self.asked.caller, &listing.query).await?;
        let beyond = self.wanted.inner.behind_settings(self.graph, &listed.rows).await?;
        self.list(&listing, kind, onboarding_settings::SET, &listed, &beyond, behind);
        Ok(())
    }

    async fn audit_events(&self, behind: &mut Behind) -> Result<(), Error> {
        self.permitted(AUDIT)?;
        let kind = audit_events::kind(self.asked.version);
        let listing = self.listing(audit_events::LIST, &[], kind)?;
        let listed = self.graph.app.audit_events(&self.asked.caller, &listing.query).await?;
        self.list(&listing, kind, audit_events::SET, &listed, &[], behind);
        Ok(())
    }

    fn permitted(&self, needed: &'static [Permission]) -> Result<(), Error> {
        match self.asked.caller.permissions.any_of(needed) {
            true => Ok(()),
            false => Err(Error::Forbidden { needed }),
        }
    }
}
