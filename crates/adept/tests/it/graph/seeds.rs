//! The files that fuzzing starts from, read as the fuzz targets read them, so that they stay valid or invalid as their names
//! say.

use std::{fs, path::Path};

use adept::graph::probes;
use proptest::prelude::*;

pub fn replay(target: &str, property: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut known = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let understood = property(&fs::read(&path).unwrap());
        assert!(
            name.starts_with(if understood { "valid-" } else { "refused-" }),
            "{target}/{name}: {understood}"
        );
        known += 1;
    }
    assert!(known >= 15, "{known} seeds of {target}");
}

#[test]
fn every_seed_of_a_path_is_read_as_its_name_says() {
    replay("graph_path", |path| probes::path(std::str::from_utf8(path).unwrap()));
}

#[test]
fn every_seed_of_a_batch_is_read_as_its_name_says() {
    replay("graph_batch", probes::batch);
}

/// Parts of seeds, joined at random.
fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(of), 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_path_is_looked_up_or_refused(
        path in pieces(&[
            "/", "//", "deviceManagement", "depOnboardingSettings", "enrollmentProfiles", "auditEvents", "$count", "$ref",
            "('", "')", "()", "(", ")", "'", "=", ",", "%27", "%2F", "%", "%ff", "graph.", "microsoft.graph.",
            "depIOSEnrollmentProfile", "uploadDepToken", "getAuditActivityTypes(category='x')", "1", "é",
        ]),
    ) {
        probes::path(&path);
    }

    #[test]
    fn any_batch_is_put_in_order_or_refused(
        body in pieces(&[
            "{\"requests\":[", "]}", "{", "}", ",", "\"id\":1", "\"id\":\"a\"", "\"method\":\"GET\"", "\"url\":\"/x\"",
            "\"url\":\"https://localhost:8443/beta\"", "\"url\":\"//x\"", "\"dependsOn\":[1]", "\"headers\":{}", "null",
            "{\"id\":1,\"method\":\"GET\",\"url\":\"x\"}", "{\"id\":2,\"method\":\"GET\",\"url\":\"x\",\"dependsOn\":[1]}",
        ]),
    ) {
        probes::batch(body.as_bytes());
    }
}
