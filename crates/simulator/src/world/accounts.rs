//! Apple accounts that people take away and give back: what becomes of the tokens that they downloaded.

use super::{PortalRefused, World};

impl World {
    /// Revokes an Apple account: the tokens that it downloaded are dead for good, on every server, and it downloads no
    /// other until it is restored.
    pub(crate) fn revoke_account(&mut self, email: &str) -> Result<(), PortalRefused> {
        if !self.servers.iter().any(|server| server.has_account(email)) {
            return Err(PortalRefused::Missing(format!(
                "No token was ever downloaded by the account {email:?}."
            )));
        }
        self.servers.iter_mut().filter(|server| server.admin() == Some(email)).for_each(|server| {
            if let Some(token) = &mut server.token {
                token.revoked = true;
            }
            server.generation += 1;
        });
        self.revoked_accounts.insert(email.to_owned());
        Ok(())
    }

    /// Lets an account download again. Its old tokens stay dead.
    pub(crate) fn restore_account(&mut self, email: &str) -> Result<(), PortalRefused> {
        match self.revoked_accounts.remove(email) {
            true => Ok(()),
            false => Err(PortalRefused::Missing(format!("The account {email:?} is not revoked."))),
        }
    }

    /// Refuses a download by an account that is revoked.
    pub(super) fn may_download(&self, email: &str) -> Result<(), PortalRefused> {
        if !self.revoked_accounts.contains(email) {
            return Ok(());
        }
        let why = "is revoked and downloads nothing. Restore it with POST /_sim/accounts/restore, or name another account.";
        Err(PortalRefused::Conflict(format!("The account {email:?} {why}")))
    }
}
