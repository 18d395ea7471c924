//! `adept client`: before the first `serve` and beside a running one.

use std::os::unix::fs::PermissionsExt;

use adept::domain::TenantId;

use super::{adept, tenant::operators_entries};
use crate::{serve::started::Started, support::database::tempfolder::Folder};

const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";

/// `adept client …` on the database in `data`.
fn client(data: &std::path::Path, arguments: &[&str]) -> super::Ended {
    let data = format!("--data-dir={}", data.display());
    adept(&[&["client"], arguments, &[&data]].concat())
}

fn application(json: &serde_json::Value) -> Vec<String> {
    let object = json.as_object().unwrap();
    assert_eq!(object.keys().collect::<Vec<_>>(), ["clientId", "clientSecret", "tenantId"]);
    ["tenantId", "clientId", "clientSecret"].map(|key| json[key].as_str().unwrap().to_owned()).to_vec()
}

async fn signs_in(service: &Started, json: &serde_json::Value) -> bool {
    let [tenant, id, secret] = &application(json)[..] else { panic!("{json}") };
    let answer = service
        .token(
            tenant.parse::<TenantId>().unwrap(),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret),
                ("scope", "https://localhost/.default"),
            ],
        )
        .await;
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_added_before_the_first_start_and_one_added_beside_it_both_sign_in() {
    let folder = Folder::new();
    let before =
        client(folder.path(), &["add", "before", "--permission", WRITE, "--new-database", "--json"]).json();
    let service = Started::inside(folder, &[]).await;
    assert!(signs_in(&service, &before).await);
    let beside = client(service.folder.path(), &["add", "beside", "--permission", WRITE, "--json"]).json();
    assert_eq!(beside["tenantId"], before["tenantId"], "the tenant made with the database");
    assert!(signs_in(&service, &beside).await);

    let other =
        client(service.folder.path(), &["add", "other", "--permission", WRITE, "--tenant", "new", "--json"]);
    let other = other.json();
    assert_ne!(other["tenantId"], before["tenantId"]);
    assert!(signs_in(&service, &other).await);
    let tenant = other["tenantId"].as_str().unwrap();
    let again =
        client(service.folder.path(), &["add", "again", "--permission", WRITE, "--tenant", tenant, "--json"]);
    assert_eq!(again.json()["tenantId"], tenant);
}

#[test]
fn for_people_the_secret_is_printed_once_and_the_data_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let data = folder.path().join("made/here");
    let permissions = format!("{WRITE},DeviceManagementApps.Read.All");
    let added = client(&data, &["add", "Inventory", "--permission", &permissions, "--new-database"]);
    added.is(0, "shown only now");
    let line =
        |name: &str| added.out.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (id, secret) = (line("clientId"), line("clientSecret"));
    assert_eq!(secret.len(), 40);
    let listed = client(&data, &["list"]);
    listed.is(0, "");
    assert!(
        listed.out.contains(&id) && listed.out.contains("Inventory") && listed.out.contains(&permissions)
    );
    assert!(!listed.out.contains(&secret));
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_application_gets_no_token_until_it_is_enabled() {
    let folder = Folder::new();
    let added =
        client(folder.path(), &["add", "a", "--permission", WRITE, "--new-database", "--json"]).json();
    let id = added["clientId"].as_str().unwrap();
    let service = Started::inside(folder, &[]).await;
    client(service.folder.path(), &["disable", id]).is(0, "within 30 seconds");
    assert!(!signs_in(&service, &added).await);
    let listed = client(service.folder.path(), &["list", "--json"]).json();
    assert_eq!((&listed[0]["disabled"], &listed[0]["permissions"][0]), (&true.into(), &WRITE.into()));
    client(service.folder.path(), &["enable", id]).is(0, "Enabled");
    assert!(signs_in(&service, &added).await);
    let tenant = added["tenantId"].as_str().unwrap().parse().unwrap();
    let done = operators_entries(&service, tenant).await;
    let change = |name: &str, old: &str, new: &str| (name.to_owned(), old.to_owned(), new.to_owned());
    let made = vec![change("displayName", "", "a"), change("permissions", "", WRITE)];
    assert_eq!(
        done,
        [
            ("create Application".to_owned(), id.to_owned(), made),
            ("disable Application".to_owned(), id.to_owned(), vec![change("disabled", "false", "true")]),
            ("enable Application".to_owned(), id.to_owned(), vec![change("disabled", "true", "false")]),
        ]
    );
    let new =
        client(service.folder.path(), &["add", "b", "--permission", WRITE, "--tenant", "new", "--json"])
            .json();
    let tenant = new["tenantId"].as_str().unwrap().parse().unwrap();
    let done = operators_entries(&service, tenant).await;
    let activities: Vec<_> = done.iter().map(|(activity, ..)| activity.as_str()).collect();
    assert_eq!(activities, ["create Tenant", "create Application"]);
}

#[test]
fn what_does_not_exist_is_told_apart_by_the_exit_code() {
    let folder = Folder::new();
    let nobody = "00000000-0000-0000-0000-000000000001";
    let none = folder.path().join("none");
    client(&none, &["list"]).is(5, "--data-dir");
    let wrong = client(&none, &["add", "a", "--permission", WRITE]);
    wrong.is(5, &format!("{} holds no database", none.display()));
    assert!(wrong.err.contains("adept serve") && wrong.err.contains("--new-database"), "{wrong:?}");
    assert!(!none.exists(), "a typing mistake makes nothing");
    client(folder.path(), &["add", "a", "--permission", WRITE]).is(5, "Nothing was made");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no database and no key");
    client(folder.path(), &["add", "a", "--permission", WRITE, "--new-database"]).is(0, "");
    client(folder.path(), &["add", "b", "--permission", WRITE]).is(0, "");
    client(folder.path(), &["add", "a", "--permission", WRITE, "--tenant", nobody])
        .is(3, "adept tenant list");
    client(folder.path(), &["list", "--tenant", nobody]).is(3, "adept tenant list");
    client(folder.path(), &["disable", nobody]).is(3, "adept client list");
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_variables_stand_in_for_flags_and_flags_win() {
    let folder = Folder::new();
    let mut command = super::command(&["client", "add", "a", "--new-database"]);
    command.env("ADEPT_DATA_DIR", folder.path()).env("ADEPT_CLIENT_PERMISSION", WRITE).env("ADEPT_JSON", "1");
    let added = super::ended(command).json();
    let service = Started::inside(folder, &[]).await;
    assert!(signs_in(&service, &added).await);
    let mut command =
        super::command(&["client", "list", "--data-dir", service.folder.path().to_str().unwrap()]);
    command.env("ADEPT_DATA_DIR", "/nowhere");
    super::ended(command).is(0, "");
}

#[test]
fn the_database_url_may_come_from_a_file() {
    let folder = Folder::new();
    let file = folder.path().join("url");
    std::fs::write(&file, format!("sqlite://{}/elsewhere.db\n", folder.path().display())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let data = format!("--data-dir={}", folder.path().display());
    let file = format!("--database-url-file={}", file.display());
    adept(&["client", "add", "a", "--permission", WRITE, "--new-database", &data, &file]).is(0, "");
    assert!(folder.path().join("elsewhere.db").exists() && !folder.path().join("adept.db").exists());
    let gone = format!("--database-url-file={}/none", folder.path().display());
    adept(&["client", "list", &data, &gone]).is(2, "cannot be read");
}
