//! Scenario files: a whole starting point in one JSON document. Loading one builds a new world beside the old, so that
//! a document with a fault in it changes nothing. What the parts mean is in `README.md`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::faults::Wanted;
use crate::p7m::Certificate;
use crate::world::{OrganizationType, OrganizationVersion, PortalRefused, Scripted, World};

/// One document.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scenario {
    /// For people.
    #[serde(rename = "about")]
    _about: Option<String>,
    seed: Option<u64>,
    repeatable: Option<bool>,
    clock: Option<Setting>,
    options: Option<Map<String, Value>>,
    organizations: Vec<Organization>,
    faults: Vec<Wanted>,
    statuses: Vec<Scripted>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Setting {
    now: Option<String>,
    running: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Organization {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: OrganizationType,
    version: OrganizationVersion,
    org_id: Option<String>,
    terms_accepted: bool,
    beta_enabled: bool,
    servers: Vec<Server>,
}

impl Default for Organization {
    fn default() -> Organization {
        Organization {
            name: None,
            kind: OrganizationType::default(),
            version: OrganizationVersion::default(),
            org_id: None,
            terms_accepted: true,
            beta_enabled: true,
            servers: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Server {
    name: Option<String>,
    server_uuid: Option<String>,
    /// PEM.
    certificate: Option<String>,
    release_devices: Option<bool>,
    /// A number of devices of the seed, or devices described one by one.
    devices: Devices,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "devices is a number, or a list of devices")]
enum Devices {
    Sown(u32),
    Listed(Vec<Map<String, Value>>),
}

impl Default for Devices {
    fn default() -> Devices {
        Devices::Sown(0)
    }
}

impl Scenario {
    /// Reads a document.
    pub(crate) fn read(text: &[u8]) -> Result<Scenario, PortalRefused> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(invalid("A scenario is a JSON object.".to_owned()));
        }
        serde_json::from_slice(text)
            .map_err(|error| invalid(format!("The scenario is not understood: {error}.")))
    }

    /// Builds the world that the document describes and sets the clock as it says. Where it says nothing, `seed`,
    /// `repeatable` and the clock's own start decide. On an error the clock stays as it was.
    pub(crate) fn build(self, seed: u64, repeatable: bool, clock: &Clock) -> Result<World, PortalRefused> {
        let setting = self.clock.unwrap_or_default();
        let begun = clock.again();
        if let Some(running) = setting.running {
            begun.run(running);
        }
        if let Some(now) = setting.now.as_deref().map(time).transpose()? {
            begun.set(now);
        }
        let now = begun.now();
        let mut world = World::new(self.seed.unwrap_or(seed), self.repeatable.unwrap_or(repeatable));
        world.change_switches(&Value::Object(self.options.unwrap_or_default()))?;
        for organization in self.organizations {
            organization.found(&mut world, now)?;
        }
        for wanted in self.faults {
            wanted.check().map_err(invalid)?;
            world.faults.add(wanted);
        }
        for status in self.statuses {
            status.check().map_err(invalid)?;
            world.scripted.add(status);
        }
        clock.become_like(&begun);
        Ok(world)
    }
}

impl Organization {
    fn found(self, world: &mut World, now: Timestamp) -> Result<(), PortalRefused> {
        let founded = world.found_organization(self.name, self.kind, self.version, self.org_id)?;
        let org_id = founded.org_id.clone();
        world.set_terms(&org_id, self.terms_accepted)?;
        world.set_beta_access(&org_id, self.beta_enabled)?;
        self.servers.into_iter().try_for_each(|server| server.register(world, &org_id, now))
    }
}

impl Server {
    fn register(self, world: &mut World, org_id: &str, now: Timestamp) -> Result<(), PortalRefused> {
        let registered = world.register_server(self.name, Some(org_id.to_owned()), self.server_uuid)?;
        let uuid = registered.uuid.clone();
        if let Some(pem) = self.certificate {
            let certificate =
                Certificate::read(pem.as_bytes(), now).map_err(|error| invalid(error.to_string()))?;
            world.set_certificate(&uuid, certificate)?;
        }
        if let Some(allowed) = self.release_devices {
            world.set_release_devices(&uuid, allowed)?;
        }
        match self.devices {
            Devices::Listed(devices) => world.give_devices(&uuid, &devices, false, now).map(drop),
            Devices::Sown(count) => {
                world.expect_devices(&uuid, count)?;
                world.sow_devices(&uuid, count, now).map(drop)
            }
        }
    }
}

fn time(text: &str) -> Result<Timestamp, PortalRefused> {
    text.parse().map_err(|_| invalid(format!("A time is like 2030-01-31T00:00:00Z, not {text:?}.")))
}

fn invalid(why: String) -> PortalRefused {
    PortalRefused::Invalid(why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHIPPED: [&str; 3] = [
        include_str!("../scenarios/profiles.json"),
        include_str!("../scenarios/two-servers.json"),
        include_str!("../scenarios/outage.json"),
    ];

    proptest! {
        #[test]
        fn no_document_is_too_strange(
            shipped in 0..SHIPPED.len(), at in any::<prop::sample::Index>(), cut in 0_usize..20, put in "[ -~]{0,8}",
        ) {
            let mut text = SHIPPED[shipped].to_owned();
            let start = at.index(text.len());
            text.replace_range(start..text.len().min(start + cut), &put);
            if let Ok(scenario) = Scenario::read(text.as_bytes()) {
                let _ = scenario.build(1, true, &Clock::new(None));
            }
        }
    }
}
