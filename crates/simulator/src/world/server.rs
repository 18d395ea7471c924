//! Device management servers: what an organization registers, uploads a certificate to and assigns devices to.

use std::sync::Arc;

use jiff::Timestamp;

use super::log::Log;
use super::organization::{OrganizationType, OrganizationVersion};
use super::tokens::{Account, Token};
use super::{PortalRefused, World};
use crate::p7m::Certificate;

/// Names that Apple's portal keeps for itself.
const RESERVED_NAMES: [&str; 2] = ["Unassigned", "Reassigned"];

/// One server. Its position in the world, not this value, is its identity inside the simulator.
pub(crate) struct Server {
    /// 32 upper-case hex digits.
    pub(crate) uuid: Arc<str>,
    pub(crate) name: String,
    pub(crate) org_id: String,
    pub(crate) certificate: Option<Certificate>,
    /// Apple accounts that ever downloaded a token, each with its own consumer key.
    pub(super) accounts: Vec<Account>,
    pub(super) token: Option<Token>,
    /// Grows with every issued or revoked token; a session of an older one is dead.
    pub(super) generation: u64,
    pub(super) log: Log,
    /// Whether it may release devices; off until somebody allows it, as at Apple.
    pub(crate) release_devices: bool,
    pub(crate) discovery: Option<Discovery>,
}

/// Where the server's account-driven enrollment begins.
pub(crate) struct Discovery {
    pub(crate) url: String,
    pub(crate) updated: Timestamp,
}

impl Server {
    /// Devices assigned now.
    pub(crate) fn device_count(&self) -> usize {
        self.log.assigned()
    }

    /// Entries in the change log since the server was made.
    pub(crate) fn change_count(&self) -> usize {
        self.log.len()
    }
}

impl World {
    /// Registers a server, with an organization of its own when none is named.
    pub(crate) fn register_server(
        &mut self,
        name: Option<String>,
        org_id: Option<String>,
        uuid: Option<String>,
    ) -> Result<&Server, PortalRefused> {
        let name = name.unwrap_or_else(|| format!("MDM Server {}", self.servers.len() + 1));
        if name.trim().is_empty() || RESERVED_NAMES.contains(&name.as_str()) {
            return Err(PortalRefused::Invalid(format!("A server cannot be called {name:?}.")));
        }
        let uuid = uuid.unwrap_or_else(|| self.random.upper_hex::<16>("server_uuid"));
        let uuid = uuid.replace('-', "").to_ascii_uppercase();
        if uuid.len() != 32 || !uuid.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PortalRefused::Invalid("A server_uuid has 32 hex digits.".to_owned()));
        }
        if self.server_positions.contains_key(&uuid) {
            return Err(PortalRefused::Conflict(format!("There is already a server {uuid}.")));
        }
        let org_id = match org_id {
            None => {
                let version = OrganizationVersion::V2;
                self.found_organization(None, OrganizationType::Org, version, None)?.org_id.clone()
            }
            Some(org_id) if self.organizations.contains_key(&org_id) => org_id,
            Some(org_id) => {
                return Err(PortalRefused::Missing(format!("No organization has the org_id {org_id}.")));
            }
        };
        if self.servers.iter().any(|server| server.org_id == org_id && server.name == name) {
            return Err(PortalRefused::Conflict(format!(
                "The organization already has a server called {name:?}."
            )));
        }
        let position = self.servers.len();
        self.server_positions.insert(uuid.clone(), position);
        self.servers.push(Server {
            uuid: uuid.into(),
            name,
            org_id,
            certificate: None,
            accounts: Vec::new(),
            token: None,
            generation: 0,
            log: Log::default(),
            release_devices: false,
            discovery: None,
        });
        Ok(&self.servers[position])
    }

    /// Replaces the certificate that later tokens are sealed to. Tokens already issued stay as they are.
    pub(crate) fn set_certificate(
        &mut self,
        uuid: &str,
        certificate: Certificate,
    ) -> Result<(), PortalRefused> {
        let position = self.server_position(uuid)?;
        self.servers[position].certificate = Some(certificate);
        Ok(())
    }

    /// Lets a server release devices, or not.
    pub(crate) fn set_release_devices(&mut self, uuid: &str, allowed: bool) -> Result<(), PortalRefused> {
        let position = self.server_position(uuid)?;
        self.servers[position].release_devices = allowed;
        Ok(())
    }

    /// Sets or forgets where account-driven enrollment begins.
    pub(crate) fn set_discovery(&mut self, server: usize, discovery: Option<Discovery>) {
        self.servers[server].discovery = discovery;
    }
}
