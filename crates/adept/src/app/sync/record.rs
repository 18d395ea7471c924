//! Apple's device record in our words.

use adept_apple::account::normalized_uuid;
use adept_apple::device::{Device, OpType};
use aws_lc_rs::digest;

use crate::domain::{AppleRecord, DevicePlatform, OperationType};

/// The record, and the digest by which an equal one is known.
pub(super) fn record(device: Device) -> AppleRecord {
    let record = device.record_json();
    let hash = digest::digest(&digest::SHA256, record.as_bytes());
    let digest = hash.as_ref().iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let status = device.profile_status.map(|status| status.as_str().to_owned());
    AppleRecord {
        serial: device.serial_number.trim().to_owned(),
        operation: device.op_type.map(|operation| match operation {
            OpType::Added => OperationType::Added,
            OpType::Modified => OperationType::Modified,
            OpType::Deleted => OperationType::Deleted,
        }),
        operation_at: device.op_date,
        platform: device.os.as_deref().map(DevicePlatform::from_apple_os),
        description: device.description,
        profile_uuid: device.profile_uuid.as_deref().map(normalized_uuid),
        profile_status: status,
        record,
        digest,
    }
}
