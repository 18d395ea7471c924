//! Devices: what a page of Apple's records does to the rows that are stored. Pure; storage applies the result.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{CLOCKS_APART, DeviceChanges, DeviceId, ProfileId, SettingId, deadline::later, serial_key};

words! {
    /// The platform of a device, in Graph's words. Values that Apple may add later are `Unknown`.
    pub enum DevicePlatform: eq_ignore_ascii_case {
        /// Not one of those below.
        Unknown = "unknown",
        /// iPhone, iPad, iPod.
        Ios = "ios",
        /// Mac.
        MacOs = "macOS",
        /// Apple Vision.
        VisionOs = "visionOS",
        /// Apple TV.
        TvOs = "tvOS",
    }
}

impl DevicePlatform {
    /// From Apple's `os` (`iOS`, `iPadOS`, `OSX`, `tvOS`, `visionOS`).
    pub fn from_apple_os(os: &str) -> Self {
        match os.to_ascii_lowercase().as_str() {
            "ios" | "ipados" => Self::Ios,
            "osx" | "macos" => Self::MacOs,
            "tvos" => Self::TvOs,
            "visionos" => Self::VisionOs,
            _ => Self::Unknown,
        }
    }
}

words! {
    /// How a device came to be listed.
    pub enum DiscoverySource: eq_ignore_ascii_case {
        /// Not known.
        Unknown = "unknown",
        /// An administrator imported its serial number.
        AdminImport = "adminImport",
        /// Apple listed it.
        DeviceEnrollmentProgram = "deviceEnrollmentProgram",
    }
}

/// What a record of a delta says happened; a fetch carries none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationType {
    /// Assigned to this server.
    Added,
    /// Anything else changed.
    Modified,
    /// No longer assigned to this server.
    Deleted,
}

/// One of Apple's device records, reduced to what decides; the rest travels in `record` untouched.
#[derive(Clone, Debug, PartialEq)]
pub struct AppleRecord {
    /// Apple's serial number, as spelt by Apple.
    pub serial: String,
    /// None in a fetch.
    pub operation: Option<OperationType>,
    /// When it happened at Apple, to the second; none in a fetch.
    pub operation_at: Option<Timestamp>,
    /// From `os`; `None` when the record does not say.
    pub platform: Option<DevicePlatform>,
    /// Apple's `description`.
    pub description: Option<String>,
    /// Apple's profile, 32 upper-case hex digits; none when empty or removed.
    pub profile_uuid: Option<String>,
    /// `empty`, `assigned`, `pushed`, `removed`.
    pub profile_status: Option<String>,
    /// The whole record as JSON, unknown keys included, without what only this answer says (`op_type`, `op_date`).
    pub record: String,
    /// A digest of `record`: equal digests mean that nothing has to be written.
    pub digest: u128,
}

impl AppleRecord {
    /// Whether it says that the device left.
    fn deletes(&self) -> bool {
        self.operation == Some(OperationType::Deleted)
    }
}

/// What decides about a stored device.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDevice {
    /// The digest of the stored record.
    pub digest: u128,
    /// The latest operation that was applied.
    pub operation_at: Option<Timestamp>,
    /// Whether it is gone from Apple's side.
    pub deleted: bool,
}

/// A device as stored and listed.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRow {
    /// Ours; opaque to clients.
    pub id: DeviceId,
    /// The setting it is listed under.
    pub setting: SettingId,
    /// Apple's serial number.
    pub serial: String,
    /// The platform.
    pub platform: DevicePlatform,
    /// Apple's description, or what the import said.
    pub description: Option<String>,
    /// How it came to be listed.
    pub source: DiscoverySource,
    /// Whether it is gone from Apple's side.
    pub deleted: bool,
    /// When it was first seen here.
    pub created_at: Timestamp,
    /// The profile that is wanted for it (bare GUID).
    pub desired_profile: Option<ProfileId>,
    /// When that was asked for.
    pub desired_at: Option<Timestamp>,
    /// Whether it is supervised: as the wanted profile says, or the import did.
    pub supervised: bool,
}

/// What people write of a device; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicePatch {
    /// The serial number; it names the device and never changes.
    pub serial: Option<String>,
    /// `description`.
    pub description: Option<Option<String>>,
    /// The member of Graph's `platform` enumeration.
    pub platform: Option<&'static str>,
    /// `isSupervised`; a wanted profile knows better.
    pub supervised: Option<bool>,
    /// `requestedEnrollmentProfileId`, in any of its forms.
    pub desired_profile: Option<Option<String>>,
}

/// What one page changes.
#[derive(Debug, Default, PartialEq)]
pub struct FoldedPage {
    /// Rows to write: new devices and devices whose record changed.
    pub write: Vec<AppleRecord>,
    /// Serial numbers, as stored, of devices that left.
    pub gone: Vec<(String, Option<Timestamp>)>,
    /// What it changes, in numbers of devices.
    pub changes: DeviceChanges,
    /// Serial numbers, as stored, of devices that are listed for the first time, in order,
    pub new: Vec<String>,
    /// of those whose record changed,
    pub known: Vec<String>,
    /// and of those that are listed again after they had gone.
    pub back: Vec<String>,
    /// Serial numbers, as Apple spells them, of devices that end as deleted although another operation happened to them
    /// in the same second; Apple is asked whether they are there.
    pub ties: Vec<String>,
    /// Records that changed nothing: equal to what is stored, or older.
    pub unchanged: usize,
}

impl FoldedPage {
    /// How the number of listed devices changes.
    pub fn count_change(&self) -> i64 {
        self.changes.added - self.changes.removed
    }
}

/// Folds a page received at `now` into what has to be written, given what is stored for its serial numbers (by their
/// [`serial_key`]s).
///
/// A serial number may come several times: the record with the latest `op_date` counts, and of equal dates the later one
/// in the stream, since Apple sends in the order of operation. A record older than the stored operation changes nothing.
/// A date that lies further ahead than clocks may differ is the time of receipt. A deletion never overwrites the stored
/// attributes, since Apple's may hold nothing but the serial number.
pub fn fold_page(
    page: Vec<AppleRecord>,
    stored: &HashMap<String, StoredDevice>,
    now: Timestamp,
) -> FoldedPage {
    // Places are sorted, not the records themselves, which are large.
    let mut places: Vec<(String, usize)> =
        page.iter().enumerate().map(|(place, record)| (serial_key(&record.serial), place)).collect();
    places.sort_unstable();
    let dated = |record: AppleRecord| {
        Some(AppleRecord { operation_at: received(record.operation_at, now), ..record })
    };
    let mut records: Vec<Option<AppleRecord>> = page.into_iter().map(dated).collect();
    let mut places = places.into_iter().peekable();

    let mut folded = FoldedPage::default();
    while let Some((key, place)) = places.next() {
        let Some(mut record) = records[place].take() else { continue };
        // Whether something else than a deletion happened at the date of the record that counts.
        let mut is_rivaled = !record.deletes();
        while let Some((_, place)) = places.next_if(|(next, _)| *next == key) {
            let Some(later) = records[place].take().filter(|it| it.operation_at >= record.operation_at)
            else {
                continue;
            };
            is_rivaled = !later.deletes() || (is_rivaled && later.operation_at == record.operation_at);
            record = later;
        }
        let known = stored.get(&key);
        // A stored date that lies ahead was never a time of receipt, and would hold back every record until then.
        let known_at = known.and_then(|known| known.operation_at).filter(|at| !lies_ahead(*at, now));
        if matches!((record.operation_at, known_at), (Some(new), Some(old)) if new < old) {
            folded.unchanged += 1;
            continue;
        }
        if record.deletes() {
            let is_listed = known.is_some_and(|known| !known.deleted);
            if is_rivaled || (is_listed && record.operation_at.is_some() && record.operation_at == known_at) {
                folded.ties.push(record.serial.clone());
            }
            if is_listed {
                folded.changes.removed += 1;
                folded.gone.push((key, record.operation_at));
            } else {
                folded.unchanged += 1;
            }
            continue;
        }
        match known {
            None => {
                folded.changes.added += 1;
                folded.new.push(key);
                folded.write.push(record);
            }
            Some(known) if known.deleted => {
                folded.changes.added += 1;
                folded.back.push(key.clone());
                folded.known.push(key);
                folded.write.push(record);
            }
            Some(known) if known.digest == record.digest && record.operation_at <= known_at => {
                folded.unchanged += 1;
            }
            Some(known) => {
                let is_changed = known.digest != record.digest;
                folded.changes.changed += i64::from(is_changed);
                folded.unchanged += usize::from(!is_changed);
                if is_changed {
                    folded.known.push(key);
                }
                folded.write.push(record);
            }
        }
    }
    folded
}

/// When something happened that was received at `now`.
fn received(time: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    time.map(|time| if lies_ahead(time, now) { now } else { time })
}

fn lies_ahead(time: Timestamp, now: Timestamp) -> bool {
    time > later(now, CLOCKS_APART)
}

/// Until when what Apple says to have happened to a device is older than its going, of which we learned in another way
/// than by a deletion, at `time` by our clock.
pub fn latest_record_time(time: Timestamp) -> Timestamp {
    time.checked_sub(crate::deadline::CLOCKS_APART).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn fold(page: Vec<AppleRecord>, stored: &HashMap<String, StoredDevice>) -> FoldedPage {
        fold_page(page, stored, at(1_000_000))
    }

    fn record(
        serial: &str,
        operation: Option<OperationType>,
        second: Option<i64>,
        digest: u128,
    ) -> AppleRecord {
        AppleRecord {
            serial: serial.to_owned(),
            operation,
            operation_at: second.map(at),
            platform: Some(DevicePlatform::MacOs),
            description: None,
            profile_uuid: None,
            profile_status: None,
            record: "{}".to_owned(),
            digest,
        }
    }

    fn stored(
        serial: &str,
        second: Option<i64>,
        digest: u128,
        deleted: bool,
    ) -> HashMap<String, StoredDevice> {
        HashMap::from([(serial_key(serial), StoredDevice { digest, operation_at: second.map(at), deleted })])
    }

    #[test]
    fn the_latest_operation_of_a_serial_counts_wherever_it_stands() {
        let page = vec![
            record("C1", Some(OperationType::Modified), Some(20), 2),
            record("C1", Some(OperationType::Added), Some(10), 1),
        ];
        let folded = fold(page, &HashMap::new());
        assert_eq!(folded.changes.added, 1);
        assert_eq!(folded.write[0].digest, 2);
    }

    #[test]
    fn of_equal_dates_the_later_in_the_stream_wins_and_a_deletion_is_asked_about() {
        use OperationType::{Added, Deleted, Modified};
        // Operations of the page with their dates; what is stored: its date and whether it is gone. Then: listed
        // afterwards, and whether Apple is asked.
        let first = |operation| vec![(operation, 10)];
        for (operations, before, is_listed, is_asked) in [
            (vec![(Deleted, 10), (Modified, 10)], Some((5, false)), true, false),
            (vec![(Modified, 10), (Deleted, 10)], Some((5, false)), false, true),
            (vec![(Modified, 9), (Deleted, 10)], Some((5, false)), false, false),
            (vec![(Deleted, 10), (Modified, 9)], Some((5, false)), false, false),
            (vec![(Modified, 9), (Added, 10), (Deleted, 10)], Some((5, false)), false, true),
            (vec![(Added, 10), (Deleted, 10), (Deleted, 11)], Some((5, false)), false, false),
            (first(Deleted), Some((10, false)), false, true),
            (first(Deleted), Some((9, false)), false, false),
            (first(Deleted), Some((10, true)), false, false),
            (first(Added), Some((10, true)), true, false),
            (first(Added), Some((11, true)), false, false),
            (first(Added), Some((9, true)), true, false),
            (vec![(Added, 10), (Deleted, 10)], None, false, true),
            (first(Deleted), None, false, false),
        ] {
            let page =
                operations.iter().map(|(operation, second)| record("C1", Some(*operation), Some(*second), 7));
            let known =
                before.map_or_else(HashMap::new, |(second, deleted)| stored("C1", Some(second), 1, deleted));
            let folded = fold(page.collect(), &known);
            let case = format!("{operations:?} {before:?}");
            let was_listed = before.is_some_and(|(_, deleted)| !deleted);
            let listed = (was_listed || folded.changes.added > 0) && folded.changes.removed == 0;
            assert_eq!(listed, is_listed, "{case}");
            assert_eq!(folded.ties, vec!["C1"; usize::from(is_asked)], "{case}");
        }
    }

    #[test]
    fn an_operation_dated_further_ahead_than_clocks_may_differ_happened_at_its_receipt() {
        let now = 1_000_000;
        for (ahead, stored_at) in [(0, now), (120, now + 120), (121, now), (3_000_000_000, now)] {
            let page = vec![record("C1", Some(OperationType::Modified), Some(now + ahead), 2)];
            let folded = fold(page, &stored("C1", Some(5), 1, false));
            assert_eq!(folded.write[0].operation_at, Some(at(stored_at)), "{ahead} s ahead");
        }
        let frozen = stored("C1", Some(now + 3_000_000_000), 1, false);
        for ago in [0, 60, 86_400] {
            let page = vec![record("C1", Some(OperationType::Deleted), Some(now - ago), 0)];
            assert_eq!(
                fold(page, &frozen).changes.removed,
                1,
                "a stored date that lies ahead freezes nothing"
            );
        }
    }

    #[test]
    fn a_serial_number_is_one_device_however_it_is_spelled() {
        let page = vec![record(" odd00003 ", None, None, 2), record("ODD00003", None, None, 3)];
        let folded = fold(page, &stored("ODD00003", Some(5), 1, false));
        assert_eq!(
            (folded.changes.changed, folded.changes.added, folded.known.as_slice()),
            (1, 0, &["odd00003".to_owned()][..])
        );
    }

    #[test]
    fn an_older_operation_changes_nothing() {
        let page = vec![record("C1", Some(OperationType::Deleted), Some(10), 0)];
        let folded = fold(page, &stored("C1", Some(11), 1, false));
        assert_eq!((folded.unchanged, folded.gone.len()), (1, 0));
    }

    #[test]
    fn an_equal_record_is_not_written_again() {
        let folded = fold(vec![record("c1", None, None, 1)], &stored("C1", Some(11), 1, false));
        assert_eq!((folded.unchanged, folded.write.len()), (1, 0));
    }

    #[test]
    fn a_device_that_had_gone_and_is_listed_again_counts_as_added() {
        let folded = fold(vec![record("C1", None, None, 1)], &stored("C1", Some(11), 1, true));
        assert_eq!((folded.changes.added, folded.count_change()), (1, 1));
    }

    #[test]
    fn what_is_older_than_a_deletion_does_not_bring_the_device_back() {
        for (second, expected) in [(10, 0), (11, 1), (12, 1)] {
            let page = vec![record("C1", Some(OperationType::Modified), Some(second), 2)];
            let folded = fold(page, &stored("C1", Some(11), 1, true));
            assert_eq!(folded.changes.added, expected, "{second}");
        }
    }

    #[test]
    fn deleting_an_unknown_device_is_nothing() {
        let folded = fold(vec![record("C1", Some(OperationType::Deleted), Some(1), 0)], &HashMap::new());
        assert_eq!((folded.changes.removed, folded.count_change()), (0, 0));
    }

    #[test]
    fn platforms_and_sources_are_members_of_graphs_enumerations_and_found_in_any_case() {
        for platform in DevicePlatform::ALL {
            let word = platform.as_str();
            assert!(crate::members::PLATFORM.contains(&word), "{word}");
            assert_eq!(DevicePlatform::from_word(&word.to_ascii_uppercase()), Some(platform));
        }
        for source in DiscoverySource::ALL {
            let word = source.as_str();
            assert!(crate::members::DISCOVERY_SOURCE.contains(&word), "{word}");
            assert_eq!(DiscoverySource::from_word(&word.to_ascii_uppercase()), Some(source));
        }
        assert_eq!((DevicePlatform::from_word("iPadOS"), DiscoverySource::from_word("")), (None, None));
    }

    #[test]
    fn apples_systems_are_platforms_in_any_case_and_a_new_one_is_unknown() {
        for (os, platform) in [
            ("iOS", DevicePlatform::Ios),
            ("iPadOS", DevicePlatform::Ios),
            ("OSX", DevicePlatform::MacOs),
            ("macOS", DevicePlatform::MacOs),
            ("tvOS", DevicePlatform::TvOs),
            ("visionOS", DevicePlatform::VisionOs),
            ("VISIONOS", DevicePlatform::VisionOs),
            ("homeOS", DevicePlatform::Unknown),
            ("", DevicePlatform::Unknown),
        ] {
            assert_eq!(DevicePlatform::from_apple_os(os), platform, "{os}");
        }
    }

    #[test]
    fn each_device_of_a_page_is_counted_once_and_only_news_is_written() {
        use OperationType::{Added, Deleted, Modified};
        // What the record says and what is stored; then: added, changed, removed, unchanged, written.
        for (operation, second, digest, known, counts) in [
            (Some(Added), Some(10), 1, None, [1, 0, 0, 0, 1]),
            (None, None, 1, None, [1, 0, 0, 0, 1]),
            (Some(Modified), Some(10), 2, Some((5, 1, false)), [0, 1, 0, 0, 1]),
            (None, None, 2, Some((5, 1, false)), [0, 1, 0, 0, 1]),
            // The same record, once more: its later date is written, so that older ones stay without effect.
            (Some(Modified), Some(10), 1, Some((5, 1, false)), [0, 0, 0, 1, 1]),
            (Some(Modified), Some(5), 1, Some((5, 1, false)), [0, 0, 0, 1, 0]),
            (None, None, 1, Some((5, 1, false)), [0, 0, 0, 1, 0]),
            (Some(Modified), Some(4), 2, Some((5, 1, false)), [0, 0, 0, 1, 0]),
            (Some(Deleted), Some(10), 0, Some((5, 1, false)), [0, 0, 1, 0, 0]),
            (Some(Deleted), Some(10), 0, Some((5, 1, true)), [0, 0, 0, 1, 0]),
            (Some(Deleted), Some(10), 0, None, [0, 0, 0, 1, 0]),
            (Some(Added), Some(10), 1, Some((5, 1, true)), [1, 0, 0, 0, 1]),
        ] {
            let known = known.map_or_else(HashMap::new, |(second, digest, deleted)| {
                stored("C1", Some(second), digest, deleted)
            });
            let folded = fold(vec![record("C1", operation, second, digest)], &known);
            let found = [
                folded.changes.added,
                folded.changes.changed,
                folded.changes.removed,
                folded.unchanged as i64,
                folded.write.len() as i64,
            ];
            assert_eq!(found, counts, "{operation:?} {second:?} {digest} onto {known:?}");
            let [added, changed, removed, ..] = counts;
            assert_eq!(folded.changes, DeviceChanges { added, changed, removed });
            assert_eq!(folded.count_change(), added - removed);
            let is_back = known.values().any(|known| known.deleted) && added == 1;
            assert_eq!(folded.back.len(), usize::from(is_back));
            assert_eq!(folded.known.len(), usize::from(is_back || changed == 1));
        }
        let mut known = stored("C8", Some(5), 1, false);
        known.extend(stored("C9", Some(5), 1, false));
        let page = [("C1", Added), ("C2", Added), ("C3", Added), ("C8", Deleted), ("C9", Deleted)];
        let page = page.map(|(serial, operation)| record(serial, Some(operation), Some(10), 1));
        let folded = fold(page.into(), &known);
        assert_eq!((folded.changes.added, folded.changes.removed, folded.count_change()), (3, 2, 1));
    }

    #[test]
    fn a_deletion_without_a_date_is_believed_at_once() {
        let known = stored("C1", None, 1, false);
        let folded = fold(vec![record("C1", Some(OperationType::Deleted), None, 0)], &known);
        assert_eq!((folded.changes.removed, folded.ties.len()), (1, 0));
    }

    #[test]
    fn what_apple_dates_within_two_minutes_of_a_release_is_newer_than_it() {
        assert_eq!(latest_record_time(at(1000)), at(880));
        assert_eq!(latest_record_time(Timestamp::MIN), Timestamp::MIN);
    }
}
