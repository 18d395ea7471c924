//! The calls about enrollment with a managed Apple account, and about beta releases.

use serde::Serialize;

use super::{Request, Session, decode};
use crate::{
    enrollment::{BetaToken, ServiceDiscovery},
    error::{AppleError, Endpoint},
};

impl Session {
    /// Registers with Apple where devices find the service when someone signs in with a managed Apple account: an https URL.
    ///
    /// # Errors
    /// [`crate::error::AppleErrorKind::DiscoveryUrlRefused`], [`crate::error::AppleErrorKind::OrgNotSupported`], another
    /// refusal of Apple's, or none of its answers.
    pub async fn set_service_discovery(&self, url: &str) -> Result<(), AppleError> {
        #[derive(Serialize)]
        struct Body<'a> {
            mdm_service_discovery_url: &'a str,
        }
        let body = Body { mdm_service_discovery_url: url };
        self.call(&Request::json(Endpoint::SetServiceDiscovery, &body, decode::done)?).await
    }

    /// Where devices find the service when someone signs in with a managed Apple account.
    ///
    /// # Errors
    /// [`crate::error::AppleErrorKind::NotFound`] if nothing was set; Apple's refusal, or none of its answers.
    pub async fn service_discovery(&self) -> Result<ServiceDiscovery, AppleError> {
        self.call(&Request::bare(Endpoint::ServiceDiscovery, decode::service_discovery)).await
    }

    /// Removes that address.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers.
    pub async fn clear_service_discovery(&self) -> Result<(), AppleError> {
        self.call(&Request::bare(Endpoint::ClearServiceDiscovery, decode::done)).await
    }

    /// What lets devices take part in beta releases, one for each system.
    ///
    /// # Errors
    /// [`crate::error::AppleErrorKind::SeedTurnedOff`], another refusal of Apple's, or none of its answers.
    pub async fn beta_tokens(&self) -> Result<Vec<BetaToken>, AppleError> {
        self.call(&Request::bare(Endpoint::BetaTokens, decode::beta_tokens)).await
    }
}
