//! The spellings of paths that clients use, and where each leads.

use super::*;
use crate::graph::tree::{PathError, PathMatch};

fn find<'t>(tree: &'t Tree, path: &str) -> Result<(&'static str, PathMatch<'t>), PathError> {
    tree.find(path).map(|found| (found.routes[0].operation, found))
}

proptest::proptest! {
    #[test]
    fn any_path_is_looked_up_without_a_panic(
        path in "(/|deviceManagement|depOnboardingSettings|uploadDepToken|graph\\.|%27|%|[('=,)$é])*",
    ) {
        let _ = tree(Version::Beta).find(&path);
    }
}

#[test]
fn every_spelling_of_a_path_leads_to_its_operation() {
    let tree = tree(Version::Beta);
    let settings = "/deviceManagement/depOnboardingSettings";
    for (path, operation, keys) in [
        ("", "list", &[][..]),
        ("/", "list", &[]),
        ("/$count", "count", &[]),
        ("/%24count", "count", &[]),
        ("/1", "get", &["1"]),
        ("/1/", "get", &["1"]),
        ("('1')", "get", &["1"]),
        ("(%271%27)", "get", &["1"]),
        ("(1)", "get", &["1"]),
        ("(id='1')", "get", &["1"]),
        ("/a%20b", "get", &["a b"]),
        ("/1/uploadDepToken", "uploadDepToken", &["1"]),
        ("/1/uploadDepToken()", "uploadDepToken", &["1"]),
        ("/1/UPLOADDEPTOKEN/", "uploadDepToken", &["1"]),
        ("('1')/microsoft.graph.uploadDepToken", "uploadDepToken", &["1"]),
        ("('1')/Microsoft.Graph.UploadDepToken", "uploadDepToken", &["1"]),
        ("/1/graph.uploadDepToken", "uploadDepToken", &["1"]),
        ("/1/getEncryptionPublicKey", "getEncryptionPublicKey", &["1"]),
        ("/1/getEncryptionPublicKey()", "getEncryptionPublicKey", &["1"]),
        ("/1/microsoft.graph.getEncryptionPublicKey()", "getEncryptionPublicKey", &["1"]),
    ] {
        let (found, matched) = find(&tree, &format!("{settings}{path}")).unwrap_or_else(|_| panic!("{path}"));
        assert_eq!(
            (found, &matched.keys[..]),
            (&*format!("depOnboardingSetting.{operation}"), &own(keys)[..])
        );
    }
    for path in ["/1/importedAppleDeviceIdentities/2", "('1')/IMPORTEDAPPLEDEVICEIDENTITIES('2')"] {
        let (found, matched) = find(&tree, &format!("{settings}{path}")).unwrap_or_else(|_| panic!("{path}"));
        assert_eq!((found, matched.keys), ("importedAppleDeviceIdentity.get", own(&["1", "2"])));
    }
    assert!(find(&tree, "devicemanagement/DEPONBOARDINGSETTINGS").is_ok());
}

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn functions_take_exactly_their_named_arguments() {
    let tree = tree(Version::Beta);
    let look_up = |rest: &str| find(&tree, &format!("/deviceManagement/depOnboardingSettings/{rest}"));
    for rest in [
        "getExpiringVppTokenCount(expiringBeforeDateTime='2027-01-01T00:00:00Z')",
        "getExpiringVppTokenCount(expiringBeforeDateTime=%272027-01-01T00%3A00%3A00Z%27)",
        "microsoft.graph.getexpiringvpptokencount(EXPIRINGBEFOREDATETIME='2027-01-01T00:00:00Z')",
    ] {
        let (operation, found) = look_up(rest).unwrap_or_else(|_| panic!("{rest}"));
        assert_eq!(operation, "depOnboardingSetting.getExpiringVppTokenCount");
        assert_eq!(found.arguments, ["2027-01-01T00:00:00Z"]);
    }
    for rest in [
        "getExpiringVppTokenCount",
        "getExpiringVppTokenCount()",
        "getExpiringVppTokenCount('2027')",
        "getExpiringVppTokenCount(other='2027')",
        "getExpiringVppTokenCount(expiringBeforeDateTime='1',expiringBeforeDateTime='2')",
    ] {
        assert_eq!(look_up(rest).err(), Some(PathError::Segment(rest.to_owned())), "{rest}");
    }
}

#[test]
fn the_first_unknown_segment_is_named() {
    let tree = tree(Version::Beta);
    for (path, segment) in [
        ("/users/1/messages", "users"),
        ("/deviceManagement/nothing/else", "nothing"),
        ("/deviceManagement/depOnboardingSettings/1/nothing", "nothing"),
        ("/deviceManagement/depOnboardingSettings/1/2", "2"),
        ("/deviceManagement/depOnboardingSettings/$nothing", "$nothing"),
        ("/deviceManagement/depOnboardingSettings/graph.nothing", "graph.nothing"),
        ("/deviceManagement/depOnboardingSettings()", "depOnboardingSettings()"),
        ("/deviceManagement/depOnboardingSettings('1", "depOnboardingSettings('1"),
        ("/deviceManagement('1')", "deviceManagement('1')"),
        ("/deviceManagement/depOnboardingSettings/1/uploadDepToken('1')", "uploadDepToken('1')"),
        ("/deviceManagement/depOnboardingSettings/1/uploadDepToken/more", "more"),
    ] {
        assert_eq!(find(&tree, path).err(), Some(PathError::Segment(segment.to_owned())), "{path}");
    }
    assert_eq!(find(&tree, "/deviceManagement/%ff").err(), Some(PathError::Encoding));
    let v1 = super::tree(Version::V1);
    for (path, segment) in
        [("/deviceManagement/depOnboardingSettings", "depOnboardingSettings"), ("/users", "users")]
    {
        assert_eq!(find(&v1, path).err(), Some(PathError::Segment(segment.to_owned())), "{path}");
    }
}
