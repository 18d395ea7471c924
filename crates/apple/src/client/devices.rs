//! The calls about devices: pages of them, their details, and what is done to them for good.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MOST_SERIALS, Request, Session, chunks, decode, distinct};
use crate::{
    account::LARGEST_PAGE,
    activation_lock::{EscrowKey, LockStatus},
    device::{Device, DevicePage},
    enrollment::Replacement,
    error::{AppleError, AppleErrorKind, Endpoint},
    serial_status::SerialStatuses,
};

/// The body of every call that names several devices.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_uuid: Option<&'a str>,
    devices: &'a [&'a str],
}

impl Session {
    /// A page of all devices; the first without a `cursor`. `limit` is 1 to 1000, see
    /// [`crate::account::Account::page_limit`].
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers. The cursor is as good as before.
    pub async fn fetch_devices(&self, cursor: Option<&str>, limit: u32) -> Result<DevicePage, AppleError> {
        self.page(Endpoint::FetchDevices, cursor, limit).await
    }

    /// A page of what changed since `cursor`. `limit` is 1 to 1000.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers. The cursor is as good as before.
    pub async fn sync_devices(&self, cursor: &str, limit: u32) -> Result<DevicePage, AppleError> {
        self.page(Endpoint::SyncDevices, Some(cursor), limit).await
    }

    /// The present records of `serials`, keyed by [`crate::device::normalized_serial`], 1000 a request; none, if there are no serials. A
    /// serial may be missing, and only one with `response_status` `SUCCESS` is a whole record.
    ///
    /// # Errors
    /// Apple's refusal of any of the requests, or none of its answers.
    pub async fn device_details<S: AsRef<str>>(
        &self,
        serials: &[S],
    ) -> Result<BTreeMap<String, Device>, AppleError> {
        let mut details = BTreeMap::new();
        for devices in chunks(serials) {
            let body = Named { profile_uuid: None, devices: &devices };
            let request = Request::json(Endpoint::DeviceDetails, &body, decode::details)?;
            details.append(&mut self.call(&request).await?);
        }
        Ok(details)
    }

    /// Releases devices from the organization, for good: only a person can bring one back. One request of 1 to
    /// [`super::MOST_SERIALS`] serial numbers, doubles not counted.
    ///
    /// # Errors
    /// Too many or no serial numbers (nothing was sent), Apple's refusal, or none of its answers: then the devices may
    /// or may not be released.
    pub async fn disown_devices<S: AsRef<str>>(&self, serials: &[S]) -> Result<SerialStatuses, AppleError> {
        self.act_on_devices(Endpoint::DisownDevices, None, serials).await
    }

    /// Locks a device to the organization; without an escrow key to the person who made the server at Apple. The
    /// message is shown on the locked device.
    ///
    /// # Errors
    /// Apple's refusal, or none of its answers: then the device may or may not be locked, so keep the code.
    pub async fn activation_lock(
        &self,
        serial: &str,
        escrow_key: Option<&EscrowKey>,
        lost_message: Option<&str>,
    ) -> Result<LockStatus, AppleError> {
        #[derive(Serialize)]
        struct Body<'a> {
            device: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            escrow_key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            lost_message: Option<&'a str>,
        }
        let body = Body { device: serial, escrow_key: escrow_key.map(EscrowKey::expose), lost_message };
        let request = Request::json(Endpoint::ActivationLock, &body, decode::lock_status)?;
        let secret = escrow_key.map(|key| key.secret().clone());
        self.call(&Request { secret, ..request }).await
    }

    /// What a device replaces. Ask only if its record says `is_replacement_device`.
    ///
    /// # Errors
    /// [`crate::error::AppleErrorKind::NotFound`] for a device that is unknown, no replacement or not this server's;
    /// Apple's refusal, or none of its answers.
    pub async fn replacement_details(&self, serial: &str) -> Result<Replacement, AppleError> {
        let request = Request::bare(Endpoint::ReplacementDetails, decode::replacement);
        self.call(&Request { query: Some(("device", serial.to_owned())), ..request }).await
    }

    /// One request that does something to each of `serials`, and its outcome for each.
    pub(super) async fn act_on_devices<S: AsRef<str>>(
        &self,
        endpoint: Endpoint,
        profile_uuid: Option<&str>,
        serials: &[S],
    ) -> Result<SerialStatuses, AppleError> {
        let devices = distinct(serials);
        let refused = match devices.len() {
            0 => Some(AppleErrorKind::DeviceIdRequired),
            1..=MOST_SERIALS => None,
            _ => Some(AppleErrorKind::TooManySerials),
        };
        if let Some(kind) = refused {
            return Err(AppleError::new(kind, endpoint));
        }
        let body = Named { profile_uuid, devices: &devices };
        let reported = self.call(&Request::json(endpoint, &body, decode::statuses)?).await?;
        Ok(reported.for_serials(&devices))
    }

    async fn page(
        &self,
        endpoint: Endpoint,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DevicePage, AppleError> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            cursor: Option<&'a str>,
            limit: u32,
        }
        let body = Body { cursor, limit: limit.clamp(1, LARGEST_PAGE) };
        self.call(&Request::json(endpoint, &body, decode::page)?).await
    }
}
