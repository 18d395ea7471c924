//! `adept keys new`.

use std::{fs, os::unix::fs::PermissionsExt};

use super::adept;
use crate::support::database::tempfolder::Folder;

#[test]
fn a_new_key_is_private_and_an_existing_one_is_never_replaced() {
    let folder = Folder::new();
    let file = folder.path().join("sealing.key");
    let path = file.to_str().unwrap();
    let made = adept(&["keys", "new", path]);
    made.is(0, "Keep a copy");
    assert_eq!(made.out.trim().len(), 32, "the key's id");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&file).unwrap();
    assert!(!String::from_utf8(before.clone()).unwrap().contains(made.out.trim()));
    adept(&["keys", "new", path]).is(4, "never replaced");
    assert_eq!(fs::read(&file).unwrap(), before);
    adept(&["keys", "new", folder.path().join("none/sealing.key").to_str().unwrap()]).is(1, "sealing.key");
}
