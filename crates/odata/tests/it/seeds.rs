//! The files that fuzzing starts from, read as the fuzz targets read them, so that they stay what they claim to be.

use std::{fs, path::Path};

#[path = "../../../../fuzz/properties.rs"]
mod properties;

fn replay(target: &str, property: fn(&str) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut known = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let understood = property(&fs::read_to_string(&path).unwrap());
        assert!(
            name.starts_with(if understood { "valid-" } else { "refused-" }),
            "{target}/{name}: {understood}"
        );
        known += 1;
    }
    assert!(known >= 10, "{known} seeds of {target}");
}

#[test]
fn every_seed_of_a_filter_is_what_it_claims_to_be() {
    replay("odata_filter", properties::filter);
}

#[test]
fn every_seed_of_an_order_is_what_it_claims_to_be() {
    replay("odata_orderby", properties::orderby);
}

#[test]
fn every_seed_of_a_query_is_what_it_claims_to_be() {
    replay("odata_query", properties::query);
}
