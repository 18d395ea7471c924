//! What must hold of the storage on either database.

use adept::{
    domain::{
        AppleRecord, AuditEvent, AuditResource, ClientId, DeviceField, DeviceId, DevicePlatform, KeyPairId,
        OperationType, Permission, ServerIdentity, Setting, SettingField, SettingId, SettingKey, SyncKind,
        SyncOutcome, TenantId, TokenId, TokenState, TokenType,
        deadline::Lengths,
        setting_state::{CursorMove, CursorPosition, Deletion, Observed, SyncEnd, TokenChange},
    },
    storage::{
        Claim, ClientRow, Created, DeploymentKey, DueSetting, KeyAdded, KeyUse, ListQuery, NewKeyPair,
        NewToken, Restored, RunPart, SecretHash, Storage, TokenChanged, Work,
    },
};
use adept_odata::{CompareOp, Expr, Function, Literal, OrderBy};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::KIND;
use crate::support::database::{TestDatabase, noon, tenant};

pub(super) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x2000_0000_0000_7000_8000_0000_0000_0000 + number)
}

pub(super) fn later(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

pub(super) fn event(number: u128, setting: &Setting) -> AuditEvent {
    AuditEvent {
        id: id(1_000_000 + number),
        at: noon(),
        actor: None,
        activity: "test",
        operation: "Action",
        resource: AuditResource { kind: "DepOnboardingSetting", id: setting.id.to_string(), name: None },
        changes: Vec::new(),
        correlation: id(1),
    }
}

fn setting(owner: TenantId, number: u128, name: &str) -> Setting {
    let key = SettingKey::new(owner, SettingId(id(number)));
    Setting::new(key, TokenType::Dep, Some(name.to_owned()), noon())
}

fn key_pair(number: u128, made: Timestamp) -> NewKeyPair {
    NewKeyPair {
        id: KeyPairId(id(500_000 + number)),
        created_at: made,
        certificate: vec![number as u8; 10],
        pkcs8: Zeroizing::new(vec![7; 32]),
    }
}

pub(super) async fn make(storage: &Storage, owner: TenantId, number: u128, name: &str) -> Setting {
    let setting = setting(owner, number, name);
    let made = storage
        .settings
        .create(&setting, &key_pair(number, noon()), 100, None, &event(number, &setting))
        .await;
    assert!(matches!(made.unwrap(), Created::Done));
    setting
}

pub(super) fn server(uuid: &str, org: Option<&str>) -> ServerIdentity {
    ServerIdentity {
        server_uuid: Some(uuid.to_owned()),
        org_id: org.map(str::to_owned),
        ..ServerIdentity::default()
    }
}

/// Uploads a token as the service would; `number` makes it another one.
pub(super) async fn upload(
    storage: &Storage,
    setting: &Setting,
    number: u128,
    seen: i64,
    server: &ServerIdentity,
    verified: bool,
) -> TokenChanged {
    let json = format!("token {number}");
    let token = NewToken {
        id: TokenId(id(700_000 + number)),
        json: json.as_bytes(),
        key_pair: KeyPairId(id(500_000 + (setting.id.0.as_u128() & 0xffff))),
        expires_at: later(3600 * 24 * 365),
    };
    let change = TokenChange {
        token: Some((token.id, token.expires_at)),
        apple_identifier: Some("admin@example.com".to_owned()),
        token_type: TokenType::Dep,
        state: if verified { TokenState::Ok } else { TokenState::Terms },
        server: server.clone(),
        verified,
        page_limit: Some(500),
    };
    let event = event(800_000 + number, setting);
    storage.tokens.change(setting.key(), seen, (change, Some(token)), verified, noon(), &event).await.unwrap()
}

pub(super) const LENGTHS: Lengths = Lengths {
    lease: SignedDuration::from_secs(30),
    sync_interval: SignedDuration::from_mins(30),
    full_resync_interval: SignedDuration::from_hours(7 * 24),
};

/// A due setting whose lease nobody renewed for so many seconds.
pub(super) fn observed(due: &DueSetting, seconds: i64) -> (SettingKey, Observed) {
    let unrenewed = SignedDuration::from_secs(seconds);
    (due.key, Observed { lease: due.lease, unrenewed })
}

/// Claims at most so many of the syncs that are due, having just begun to watch their leases.
pub(super) async fn claim(storage: &Storage, now: Timestamp, most: usize) -> Vec<Claim> {
    let due = storage.leases.due_settings(Work::Sync, now, &LENGTHS).await.unwrap();
    let unseen = due.into_iter().map(|due| observed(&due, 0));
    let due: Vec<_> = unseen.take(most).collect();
    storage.leases.claim(Work::Sync, &due, now, &LENGTHS).await.unwrap()
}

pub(super) async fn claim_one(storage: &Storage, now: Timestamp) -> Claim {
    let mut claims = claim(storage, now, 10).await;
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

async fn due(storage: &Storage, setting: &Setting) -> Option<Timestamp> {
    storage.settings.state(setting.key()).await.unwrap().unwrap().sync.due_at
}

pub(super) fn ended(claim: &Claim, outcome: SyncOutcome, now: Timestamp, next_due: Timestamp) -> SyncEnd {
    SyncEnd {
        outcome,
        fault: None,
        code: None,
        started_at: claim.started_at,
        now,
        next_due,
        seen_requests: claim.state.sync.requests,
        repeats_cursor: false,
        full_fetch: None,
    }
}

pub(super) fn record(serial: &str, operation: Option<(OperationType, i64)>, digest: u128) -> AppleRecord {
    AppleRecord {
        serial: serial.to_owned(),
        operation: operation.map(|(operation, _)| operation),
        operation_at: operation.map(|(_, seconds)| later(seconds)),
        platform: Some(DevicePlatform::MacOs),
        description: Some(format!("O'Brien \"{serial}\" \\ ü")),
        profile_uuid: None,
        profile_status: Some("empty".to_owned()),
        record: format!(r#"{{"serial_number":"{serial}","n":{digest}}}"#),
        digest,
    }
}

pub(super) fn part(claim: &Claim, pages: i64) -> RunPart {
    RunPart { started_at: claim.started_at, now: noon(), kind: SyncKind::Delta, pages, unreadable: 0 }
}

pub(super) async fn store_page(
    storage: &Storage,
    claim: &Claim,
    revision: i64,
    page: Vec<AppleRecord>,
) -> Option<(i64, i64, i64)> {
    let place = CursorPosition { value: Some("c".to_owned()), issued_at: noon(), complete: true, limit: 500 };
    let cursor = CursorMove { seen_revision: revision, to: Some(place), full_fetch: None };
    let mut next = 900_000 + revision as u128 * 10_000;
    let mut fresh = || {
        next += 1;
        id(next)
    };
    let folded =
        storage.syncs.commit_page(&claim.lease, page, cursor, &part(claim, 1), &mut fresh).await.unwrap();
    folded.map(|folded| (folded.changes.added, folded.changes.changed, folded.changes.removed))
}

#[tokio::test]
async fn a_setting_comes_back_as_it_was_made_and_only_to_its_tenant() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    storage.tenants.create(tenant(2), "other", noon(), None).await.unwrap();
    let made = make(&storage, tenant(1), 1, "Ümläut 'quoted'").await;
    assert_eq!(storage.settings.get(SettingKey::new(tenant(1), made.id)).await.unwrap(), Some(made.clone()));
    assert_eq!(storage.settings.get(SettingKey::new(tenant(2), made.id)).await.unwrap(), None);
    assert_eq!(storage.settings.count(tenant(2), None).await.unwrap(), 0);
}

#[tokio::test]
async fn no_more_settings_are_made_than_are_allowed_even_at_once() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let makers = (0..8u128).map(|number| {
        let storage = storage.clone();
        tokio::spawn(async move {
            let setting = setting(tenant(1), number, "n");
            let pair = key_pair(number, noon());
            matches!(
                storage.settings.create(&setting, &pair, 3, None, &event(number, &setting)).await.unwrap(),
                Created::Done
            )
        })
    });
    let mut made = 0;
    for maker in makers.collect::<Vec<_>>() {
        made += usize::from(maker.await.unwrap());
    }
    assert_eq!(made, 3);
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_walked_without_loss_or_repetition() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    for (number, name) in ["b", "A", "c", "B", "%", "_x"].into_iter().enumerate() {
        make(&storage, tenant(1), number as u128, name).await;
    }
    let by = Expr::Field(SettingField::TokenName);
    let order = vec![OrderBy { by, descending: true }];
    let mut query = ListQuery { order, top: 2, count: true, ..ListQuery::default() };
    let mut names = Vec::new();
    loop {
        let page = storage.settings.list(tenant(1), &query).await.unwrap();
        assert_eq!(page.total, Some(6), "without the empty one for Apple Configurator");
        names.extend(page.rows.into_iter().map(|row| row.token_name.unwrap()));
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(names, ["c", "b", "B", "A", "_x", "%"]);

    let named = |filter| {
        let storage = storage.clone();
        async move {
            let query = ListQuery { filter: Some(filter), ..ListQuery::default() };
            let page = storage.settings.list(tenant(1), &query).await.unwrap();
            page.rows.into_iter().map(|row| row.token_name.unwrap()).collect::<Vec<_>>()
        }
    };
    let text = |text: &str| Literal::Text(text.to_owned());
    let field = SettingField::TokenName;
    assert_eq!(named(Expr::compare(field, CompareOp::Eq, text("B"))).await, ["b", "B"]);
    let call =
        |function, part: &str| Expr::Call(function, vec![Expr::Field(field), Expr::Literal(text(part))]);
    assert_eq!(named(call(Function::Contains, "%")).await, ["%"]);
    assert_eq!(named(call(Function::StartsWith, "_")).await, ["_x"]);
    assert_eq!(named(call(Function::EndsWith, "X")).await, ["_x"]);
    let not = Expr::Not(Box::new(Expr::compare(field, CompareOp::Ge, text("a"))));
    assert_eq!(named(not).await, ["%", "_x"]);
    assert_eq!(named(Expr::is_null(SettingField::AppleIdentifier)).await.len(), 6);
    let kind = Literal::Enum { member: "dep", ordinal: 1 };
    let dep = Expr::compare(SettingField::TokenType, CompareOp::Eq, kind);
    assert_eq!(named(dep).await.len(), 6);
    let year_one = Literal::DateTime("0001-01-01T00:00:00Z".parse().unwrap());
    let never = Expr::compare(SettingField::TokenExpiration, CompareOp::Eq, year_one);
    assert_eq!(named(never).await.len(), 6);
}

#[tokio::test]
async fn a_foreign_position_is_refused() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    for text in ["", "[]", "[1]", "[\"a\",\"b\"]", "{}", "['", "[null]"] {
        let after = Some(adept::storage::Position(text.to_owned()));
        let query = ListQuery::<SettingField> { after, ..ListQuery::default() };
        let refused = storage.settings.list(tenant(1), &query).await;
        assert!(matches!(refused, Err(adept::storage::Error::Position)), "{text}");
    }
}

#[tokio::test]
async fn a_token_takes_effect_whole_and_under_the_generation_it_was_learned_under() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let own = server("AAAA", Some("1"));
    assert_eq!(upload(&storage, &made, 1, 0, &own, true).await, TokenChanged::Done);
    assert_eq!(upload(&storage, &made, 2, 0, &own, true).await, TokenChanged::Stale);

    let known = storage.tokens.load(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap();
    assert_eq!(&**known.in_use.unwrap().json, b"token 1");
    assert!(known.setting.token_verified && known.verified.is_none());
    assert_eq!((known.setting.token_generation, known.setting.token_state), (1, TokenState::Ok));
    assert_eq!(known.setting.server, own);
    assert_eq!(due(&storage, &made).await, Some(noon()));
}

#[tokio::test]
async fn an_unverified_token_keeps_the_verified_one_until_it_is_verified_or_refused() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let own = server("AAAA", None);
    upload(&storage, &made, 1, 0, &own, true).await;
    upload(&storage, &made, 2, 1, &own, false).await;
    upload(&storage, &made, 3, 2, &own, false).await;
    let known = storage.tokens.load(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap();
    assert_eq!(&**known.in_use.unwrap().json, b"token 3");
    let verified = known.verified.unwrap();
    assert_eq!(&**verified.json, b"token 1");
    assert!(!known.setting.token_verified);

    let event = event(42, &made);
    let restore = |seen| {
        let (storage, key, event) = (&storage, made.key(), &event);
        async move {
            let refused = TokenState::Revoked;
            storage.tokens.restore_other(key, seen, refused, noon(), &LENGTHS, event).await.unwrap()
        }
    };
    assert!(!restore(2).await);
    assert!(restore(3).await);
    let known = storage.tokens.load(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap();
    assert_eq!(&**known.in_use.unwrap().json, b"token 1");
    assert!(known.setting.token_verified && known.verified.is_none());
    assert_eq!(&**known.newer.unwrap().json, b"token 3", "the refused one is kept beside it");
    assert_eq!(known.setting.token_generation, 4);
}

#[tokio::test]
async fn a_server_belongs_to_one_setting_of_a_tenant_even_when_two_uploads_race() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    storage.tenants.create(tenant(2), "other", noon(), None).await.unwrap();
    let mut settings = Vec::new();
    for number in 1..=4 {
        settings.push(make(&storage, tenant(1), number, "s").await);
    }
    let uploads = settings.iter().cloned().map(|setting| {
        let storage = storage.clone();
        tokio::spawn(async move {
            let number = setting.id.0.as_u128() & 0xffff;
            // Unknown on one side counts as equal.
            let org = (number % 2 == 0).then_some("1");
            upload(&storage, &setting, number, 0, &server("AAAA", org), true).await
        })
    });
    let mut done = 0;
    for upload in uploads.collect::<Vec<_>>() {
        match upload.await.unwrap() {
            TokenChanged::Done => done += 1,
            TokenChanged::ServerTaken { token_name, .. } => assert_eq!(token_name.as_deref(), Some("s")),
            TokenChanged::Stale => panic!("nothing else touched the setting"),
        }
    }
    assert_eq!(done, 1);
    let elsewhere = make(&storage, tenant(2), 9, "s").await;
    assert_eq!(
        upload(&storage, &elsewhere, 9, 0, &server("AAAA", Some("1")), true).await,
        TokenChanged::Done
    );
}

#[tokio::test]
async fn the_same_uuid_of_another_organization_is_another_server() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    for (number, org) in [(1, "1"), (2, "2")] {
        let made = make(&storage, tenant(1), number, "s").await;
        assert_eq!(
            upload(&storage, &made, number, 0, &server("AAAA", Some(org)), true).await,
            TokenChanged::Done
        );
    }
}

#[tokio::test]
async fn a_deleted_setting_is_gone_with_its_tokens_and_can_be_restored_and_purged() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let mut next = 0;
    let mut event = |setting: &Setting| {
        next += 1;
        event(2_000 + next, setting)
    };
    let delete = |setting: &Setting, now, event: AuditEvent| {
        let (storage, key) = (storage.clone(), setting.key());
        async move { storage.settings.soft_delete(key, false, now, &event).await.unwrap() }
    };
    assert_eq!(delete(&made, noon(), event(&made)).await, Some(Deletion::Allowed));
    assert_eq!(delete(&made, noon(), event(&made)).await, None);
    assert!(storage.tokens.load(made.key()).await.unwrap().is_none());
    assert!(storage.leases.due_settings(Work::Sync, later(1), &LENGTHS).await.unwrap().is_empty());
    assert_eq!(storage.settings.purge(later(29 * 86_400)).await.unwrap(), 0);

    // Another setting for its server may be made meanwhile; then the old one stays away.
    let second = make(&storage, tenant(1), 2, "t").await;
    upload(&storage, &second, 2, 0, &server("AAAA", None), true).await;
    let (deleted, at) = storage.settings.list_soft_deleted().await.unwrap().remove(0);
    assert_eq!((deleted.id, at), (made.id, noon()));
    let taken = Restored::ServerTaken(second.id, Some("t".to_owned()));
    assert_eq!(storage.settings.restore(made.key(), noon(), &event(&made)).await.unwrap(), taken);
    assert_eq!(delete(&second, later(60), event(&second)).await, Some(Deletion::Allowed));
    assert_eq!(storage.settings.restore(made.key(), noon(), &event(&made)).await.unwrap(), Restored::Done);
    let back = storage.tokens.load(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap();
    assert!(back.in_use.is_none());

    assert_eq!(storage.settings.purge(later(60 + 30 * 86_400)).await.unwrap(), 1);
    assert!(storage.settings.list_soft_deleted().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_due_setting_is_claimed_once_and_again_when_its_lease_is_over() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    for number in 1..=3 {
        let made = make(&storage, tenant(1), number, "s").await;
        upload(&storage, &made, number, 0, &server(&format!("{number}"), None), true).await;
    }
    let claimers = (0..6).map(|_| {
        let storage = storage.clone();
        tokio::spawn(async move {
            let mut claims = claim(&storage, noon(), 2).await;
            claims.extend(claim(&storage, noon(), 3).await);
            claims
        })
    });
    let mut claims: Vec<Claim> = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        claims.extend(claimer.await.unwrap());
    }
    let mut ids: Vec<_> = claims.iter().map(|claim| claim.lease.key.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((claims.len(), ids.len()), (3, 3));
    assert_eq!(claims[0].state.page_limit, 500);
    // The end of a lease proves nothing before clocks can differ no more, unless it was seen unrenewed for its length.
    assert!(claim(&storage, later(149), 10).await.is_empty());
    let due = storage.leases.due_settings(Work::Sync, later(1), &LENGTHS).await.unwrap();
    let seen = |seconds| due.iter().map(|due| observed(due, seconds)).collect::<Vec<_>>();
    assert!(storage.leases.claim(Work::Sync, &seen(29), later(1), &LENGTHS).await.unwrap().is_empty());
    let again = storage.leases.claim(Work::Sync, &seen(30), later(1), &LENGTHS).await.unwrap();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|claim| claim.lease.epoch == 2));
    assert_eq!(claim(&storage, later(151), 10).await.len(), 3);
}

#[tokio::test]
async fn a_page_is_stored_with_its_cursor_or_not_at_all() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let claim = claim_one(&storage, noon()).await;

    let page = vec![record("C2", None, 2), record("c1", None, 1), record("C3", None, 3)];
    assert_eq!(store_page(&storage, &claim, 0, page).await, Some((3, 0, 0)));
    // The cursor moved on: the same page again is late.
    assert_eq!(store_page(&storage, &claim, 0, vec![record("C9", None, 9)]).await, None);
    let delta = vec![
        record("C1", Some((OperationType::Modified, 10)), 11),
        record("C2", Some((OperationType::Deleted, 10)), 0),
        record("C3", Some((OperationType::Modified, 10)), 3),
        record("C4", Some((OperationType::Added, 10)), 4),
        record("C5", Some((OperationType::Deleted, 10)), 0),
    ];
    assert_eq!(store_page(&storage, &claim, 1, delta).await, Some((1, 1, 1)));
    let stale = vec![
        record("C1", Some((OperationType::Deleted, 9)), 0),
        record("C2", Some((OperationType::Added, 9)), 2),
    ];
    assert_eq!(store_page(&storage, &claim, 2, stale).await, Some((0, 0, 0)));

    let listed =
        storage.devices.list(SettingKey::new(tenant(1), made.id), &ListQuery::default()).await.unwrap().rows;
    let seen: Vec<_> = listed.iter().map(|row| (row.serial.as_str(), row.deleted)).collect();
    assert_eq!(seen, [("C1", false), ("C2", true), ("C3", false), ("C4", false)]);
    assert_eq!(listed[1].description.as_deref(), Some("O'Brien \"C2\" \\ ü"));
    assert_eq!(
        storage.settings.get(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap().sync.device_count,
        3
    );
    let one = storage.devices.get(SettingKey::new(tenant(1), made.id), listed[0].id).await.unwrap().unwrap();
    assert_eq!(one, listed[0]);
    assert_eq!(storage.devices.get(SettingKey::new(tenant(2), made.id), listed[0].id).await.unwrap(), None);
    assert_eq!(
        storage.devices.get(SettingKey::new(tenant(1), made.id), DeviceId(id(1))).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn whatever_text_a_serial_number_is_its_device_is_known_again() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let claim = claim_one(&storage, noon()).await;
    let serials = ["C 1", "1 gone 5 x", "a,b", "ü😀", "\"'\\$1", " ", "line\nend", "C1"];
    let page = |digest| serials.map(|serial| record(serial, None, digest)).to_vec();
    assert_eq!(store_page(&storage, &claim, 0, page(1)).await, Some((serials.len() as i64, 0, 0)));
    assert_eq!(store_page(&storage, &claim, 1, page(1)).await, Some((0, 0, 0)));
    assert_eq!(store_page(&storage, &claim, 2, page(2)).await, Some((0, serials.len() as i64, 0)));
}

#[tokio::test]
async fn who_lost_the_lease_or_the_token_stores_nothing() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let own = server("AAAA", None);
    upload(&storage, &made, 1, 0, &own, true).await;
    let first = claim_one(&storage, noon()).await;
    let second = claim_one(&storage, later(150)).await;
    assert_eq!(store_page(&storage, &first, 0, vec![record("C1", None, 1)]).await, None);
    assert!(!storage.leases.renew(&first.lease, later(151), &LENGTHS).await.unwrap());
    assert!(storage.leases.renew(&second.lease, later(151), &LENGTHS).await.unwrap());

    upload(&storage, &made, 2, 1, &own, true).await;
    assert_eq!(store_page(&storage, &second, 0, vec![record("C1", None, 1)]).await, None);
    assert!(!storage.leases.renew(&second.lease, later(151), &LENGTHS).await.unwrap());
    let end = ended(&second, SyncOutcome::Token(TokenState::Revoked), later(152), later(199));
    assert_eq!(storage.syncs.end(&second.lease, &part(&second, 0), end).await.unwrap(), None);
    storage.leases.release(&second.lease, SyncOutcome::Superseded, later(152)).await.unwrap();
    let third = claim_one(&storage, later(152)).await;
    assert_eq!((third.lease.generation, third.lease.epoch), (2, 3));
    assert_eq!(
        storage.settings.get(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap().token_state,
        TokenState::Ok
    );
}

#[tokio::test]
async fn a_sync_asked_for_while_one_runs_follows_it() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let request = |number| {
        let (storage, made) = (&storage, &made);
        async move { storage.syncs.request(made.key(), false, noon(), &event(number, made)).await.unwrap() }
    };
    assert_eq!(request(8000).await, Some(false), "without a token there is nothing to do");
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let claim = claim_one(&storage, noon()).await;
    let end = |claim: &Claim, now| ended(claim, SyncOutcome::Token(TokenState::Ok), now, later(1800));
    assert_eq!(request(8001).await, Some(true));
    let stored = storage.syncs.end(&claim.lease, &part(&claim, 0), end(&claim, later(0))).await;
    assert_eq!(stored.unwrap(), Some(Some(TokenState::Ok)));
    assert_eq!(due(&storage, &made).await, Some(later(1)));
    let claim = claim_one(&storage, later(1)).await;
    storage.syncs.end(&claim.lease, &part(&claim, 0), end(&claim, later(2))).await.unwrap();
    assert_eq!(due(&storage, &made).await, Some(later(1800)));
    let setting = storage.settings.get(SettingKey::new(tenant(1), made.id)).await.unwrap().unwrap();
    assert_eq!(setting.sync.succeeded_at, Some(later(2)));
}

#[tokio::test]
async fn unused_key_pairs_are_bounded_and_used_ones_are_kept() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let day = |days: i64| noon() + SignedDuration::from_hours(24 * days);
    let add = |number: u128, made_at: Timestamp, droppable: Timestamp| {
        let (storage, made) = (storage.clone(), made.clone());
        async move {
            let pair = key_pair(number, made_at);
            storage
                .key_pairs
                .add(SettingKey::new(tenant(1), made.id), &pair, droppable, &event(number, &made))
                .await
                .unwrap()
        }
    };
    for number in 100..120 {
        assert_eq!(add(number, day(1), day(0)).await, KeyAdded::Done);
    }
    assert_eq!(add(120, day(2), day(1)).await, KeyAdded::TooMany);
    assert_eq!(add(120, day(40), day(10)).await, KeyAdded::Done);
    let pairs = storage.key_pairs.list(SettingKey::new(tenant(1), made.id)).await.unwrap();
    assert_eq!(pairs.len(), 21);
    assert_eq!(pairs[0].id, KeyPairId(id(500_120)));
    assert!(
        pairs.iter().any(|pair| pair.id == KeyPairId(id(500_001))),
        "the pair that opened a token is kept"
    );
    assert_eq!(&**storage.key_pairs.open(SettingKey::new(tenant(1), made.id), &pairs[0]).unwrap(), [7; 32]);
}

#[tokio::test]
async fn a_wait_that_apple_asked_for_is_kept_and_a_later_end_wins() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    let longest = SignedDuration::from_mins(15);
    // One that a wrong clock made is not believed, and the next takes its place.
    for (until, expected) in [(60, Some(60)), (90, Some(90)), (30, Some(90)), (9000, None), (90, Some(90))] {
        storage
            .tokens
            .keep_apple_wait(SettingKey::new(tenant(1), made.id), "k", later(until), longest, noon())
            .await
            .unwrap();
        assert_eq!(
            storage.tokens.apple_wait(SettingKey::new(tenant(1), made.id), "k", noon()).await.unwrap(),
            expected.map(later)
        );
    }
    assert_eq!(
        storage.tokens.apple_wait(SettingKey::new(tenant(1), made.id), "other", noon()).await.unwrap(),
        None
    );
    assert_eq!(
        storage.tokens.apple_wait(SettingKey::new(tenant(1), made.id), "k", later(90)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn clients_tenants_and_the_deployments_keys_are_kept() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    assert_eq!(storage.default_tenant(), tenant(1));
    let client = ClientRow {
        tenant: tenant(1),
        id: ClientId(id(1)),
        name: "c".to_owned(),
        secret: SecretHash { key_id: "1".to_owned(), mac: vec![1; 32] },
        permissions: [Permission::ServiceConfigRead, Permission::AppsRead].into_iter().collect(),
        disabled: false,
        created_at: noon(),
    };
    storage.clients.add(&client, None).await.unwrap();
    assert_eq!(storage.clients.get(tenant(1), client.id).await.unwrap(), Some(client.clone()));
    assert_eq!(storage.clients.get(tenant(2), client.id).await.unwrap(), None);
    assert!(storage.clients.set_disabled((tenant(1), client.id), true, None).await.unwrap());
    assert!(storage.clients.list(tenant(1)).await.unwrap()[0].disabled);

    let key = |id: &str, byte| DeploymentKey { id: id.to_owned(), secret: Zeroizing::new(vec![byte; 8]) };
    let deployment = &storage.deployment;
    for (of, byte) in [(KeyUse::BearerTokens, 1), (KeyUse::ClientSecrets, 3)] {
        assert!(deployment.stored_key(of).await.unwrap().is_none());
        assert_eq!(deployment.keep_key(of, key("first", byte)).await.unwrap().id, "first");
        let kept = deployment.keep_key(of, key("second", 9)).await.unwrap();
        assert_eq!((kept.id.as_str(), &**kept.secret), ("first", &[byte; 8][..]), "{of:?}");
    }
    storage.deployment.writable().await.unwrap();
}

#[tokio::test]
async fn a_second_opening_finds_everything_and_many_at_once_agree() {
    let database = TestDatabase::new(KIND).await;
    database.open().await.close().await;
    let (first, second) = tokio::join!(database.open(), database.open());
    assert_eq!(first.default_tenant(), second.default_tenant());
    assert_eq!(first.deployment.sealing_key_id(), second.deployment.sealing_key_id());
}

#[tokio::test]
async fn devices_are_filtered_by_serial_number_in_any_case() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    let claim = claim_one(&storage, noon()).await;
    let page = (0..300).map(|number| record(&format!("C{number:03}X"), None, number)).collect();
    store_page(&storage, &claim, 0, page).await.unwrap();
    let field = DeviceField::SerialNumber;
    let text = |text: &str| Literal::Text(text.to_owned());
    let call =
        |function, part: &str| Expr::Call(function, vec![Expr::Field(field), Expr::Literal(text(part))]);
    for (filter, expected) in [
        (call(Function::Contains, "12"), 13),
        (call(Function::StartsWith, "c1"), 100),
        (call(Function::EndsWith, "9x"), 30),
        (Expr::compare(field, CompareOp::Eq, text("c007x")), 1),
        (Expr::In(Box::new(Expr::Field(field)), vec![text("C007X"), text("c1")]), 1),
    ] {
        assert_eq!(
            storage.devices.count(SettingKey::new(tenant(1), made.id), Some(&filter)).await.unwrap(),
            expected,
            "{filter:?}"
        );
    }
}
