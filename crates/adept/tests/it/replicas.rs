//! Three replicas as programs of their own on one PostgreSQL, with more than a thousand settings of which one hangs, Apple
//! at its worst, clients at work, and one replica after the other ended by SIGKILL. In the end everything is as Apple
//! knows it.

mod fleet;
mod load;
mod world;

use std::time::{Duration, Instant};

use adept::auth::Auth;
use serde_json::{Value, json};

use self::{
    fleet::Fleet,
    load::Load,
    world::{Onboarded, World},
};
use crate::support::{test_app::WRITE, tokens::Signer};

/// Settings, the one that hangs included.
const SETTINGS: usize = 1_010;

/// How long syncs of all settings may take at most, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a replica is killed.
const KILLS: u32 = 12;

/// Everything that Apple's side does in the bad time, by chance and without end. Sessions are refused in syncs only: twice
/// in a row, that is a reason to refuse an upload.
fn faults() -> Vec<Value> {
    let rule =
        |path: &str, action: Value| json!({ "match": { "path": path, "probability": 0.02 }, "do": action });
    vec![
        rule("/devices/sync", json!({ "refuse": "INVALID_CURSOR" })),
        rule("/devices/sync", json!("expire_session")),
        rule("/server/devices", json!("forget_session")),
        rule("!/session", json!({ "disconnect": { "applied": true } })),
        rule("!/session", json!({ "truncate": { "keep": 20 } })),
        rule("!/session", json!({ "rotate_session": { "keep_old": false } })),
        rule("/*", json!({ "answer": { "status": 503, "body": "busy" } })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_of_which_one_is_killed_again_and_again_end_with_what_apple_knows() {
    let began = Instant::now();
    let told = |what: &str| eprintln!("{:>5.1} s  {what}", began.elapsed().as_secs_f64());
    let world = World::with_settings(SETTINGS).await;
    told("settings and servers are there");
    let fleet = Fleet::start(&world.database, &world.apple_url(), 3).await;
    let bearer = bearer(&world, &fleet).await;
    let load = Load::new(&world, &fleet, &bearer);
    load.make_defaults(world.settings.iter().filter(|one| has_defaults(one))).await;
    told("some settings have default profiles");

    // One server answers no fetch at all, until it is let go.
    let hangs = &world.settings[0];
    let hold =
        json!({ "match": { "path": "/server/devices", "server": hangs.server }, "do": { "hold": "before" } });
    let held = world.add_fault(hold).await;
    let mut rules = Vec::new();
    for fault in faults() {
        rules.push(world.add_fault(fault).await);
    }

    let ((), issued) = tokio::join!(
        async {
            fleet.kill_again_and_again(KILLS).await;
            told("the last kill");
            load.killing_is_over();
        },
        load.run()
    );
    told("the clients are done");
    for rule in rules {
        assert!(world.acted(&rule).await > 0, "rule {rule} never acted");
        world.remove_fault(&rule).await;
    }

    let quiet = world.ask_for_syncs(&world.settings).await;
    world.wait_for_syncs(&world.settings[1..], quiet, PATIENCE).await;
    assert!(!world.has_synced(hangs).await, "it still hangs, and has held nobody up");
    told("every setting but the one that hangs is synchronized");
    world.remove_fault(&held).await;
    let quiet = world.ask_for_syncs(&world.settings[..1]).await;
    world.wait_for_syncs(&world.settings[..1], quiet, PATIENCE).await;
    told("the one that hung is synchronized too");

    load.wait_for_defaults(world.settings.iter().filter(|one| has_defaults(one)), PATIENCE).await;
    told("every device has its profile");
    load.compare_inventories(has_defaults).await;
    world.compare_audit(&issued).await;
    told("inventories and audit are compared");

    // While processes died, one may have kept a session that Apple had just replaced; a round in which nobody dies finds it.
    let quiet = world.ask_for_syncs(&world.settings).await;
    world.wait_for_syncs(&world.settings, quiet, PATIENCE).await;
    // Every token's session is shared by now, so that even three new processes need none.
    world.forget_calls().await;
    fleet.kill_all_and_restart().await;
    let quiet = world.ask_for_syncs(&world.settings).await;
    world.wait_for_syncs(&world.settings, quiet, PATIENCE).await;
    assert_eq!(world.calls("GET /session").await, 0, "a token had no session that all processes share");
    told("and again, by three new processes");
}

/// Whether the devices of this setting are to have profiles: one setting of 32.
fn has_defaults(onboarded: &Onboarded) -> bool {
    onboarded.setting.0.as_u128().is_multiple_of(32)
}

/// What an application of the default tenant shows to every replica.
async fn bearer(world: &World, fleet: &Fleet) -> String {
    Auth::new(world.storage.clone(), fleet.public_url()).prepare().await.unwrap();
    let signer = Signer::of(&world.storage, fleet.public_url(), world.clock.clone()).await;
    signer.application(&world.storage, world.tenant(), &[WRITE]).await
}
