//! Pages of `docs/reference` that are made from tables of the service.

use adept::domain::skip_keys_page;

/// With `ADEPT_WRITE_REFERENCE` set the page is written; without, a stale one is an error.
#[test]
fn the_page_of_the_skip_keys_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/skip-keys.md");
    if std::env::var_os("ADEPT_WRITE_REFERENCE").is_some() {
        std::fs::write(path, skip_keys_page()).unwrap();
    }
    let present = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        present == skip_keys_page(),
        "docs/reference/skip-keys.md is stale: run `ADEPT_WRITE_REFERENCE=1 cargo test -p adept --test it reference`"
    );
}
