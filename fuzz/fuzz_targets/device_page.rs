//! Pages of devices: no bytes break the reader, every record is counted, and what is kept of one is bounded JSON.
#![no_main]

use adept_apple::device::{DevicePage, normalized_serial};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(page) = DevicePage::from_json(input) else { return };
    assert_eq!(page.devices.len() + page.unreadable, page.records);
    assert!(!page.more_to_follow || page.cursor.is_some());
    for device in page.devices {
        assert!(!device.serial_number.is_empty());
        assert_eq!(device.serial_number, normalized_serial(&device.serial_number));
        // Escapes can make six bytes of one.
        assert!(device.record_json().len() < 7 * 64 * 1024);
    }
});
