//! The typed handle of the portal side, against a running simulator.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adept_simulator::{Fault, NewOrganization, NewServer, Portal, PortalError};
use serde_json::{Value, json};

use crate::support::{Recipe, Sim, certificate};
use crate::token;

#[tokio::test]
async fn a_server_is_made_ready_and_filled() {
    let sim = Sim::start().await;
    let portal = sim.simulator.portal();
    let new = NewOrganization { name: Some("Example Works"), ..NewOrganization::default() };
    let organization = portal.create_organization(&new).await.unwrap();
    let new = NewServer { name: Some("Lab 1/2"), org_id: Some(&organization.org_id), ..NewServer::default() };
    let server = portal.create_server(&new).await.unwrap();
    assert_eq!((server.server_name.as_str(), &server.org_id), ("Lab 1/2", &organization.org_id));
    let uuid = server.server_uuid.as_str();
    portal.upload_certificate(uuid, &certificate(&Recipe::default())).await.unwrap();
    let expires = "2999-01-31T00:00:00Z";
    let file = portal.issue_token_with(uuid, &[("expires", expires), ("account", "a+b@c.d")]).await.unwrap();
    assert!(file.name.starts_with("Lab 1_2_Token_") && file.name.ends_with("_smime.p7m"), "{}", file.name);
    let keys = token::keys(&token::open(&file.bytes));
    sim.session(&keys).await;

    portal.seed_devices(uuid, 3).await.unwrap();
    portal.add_devices(uuid, &[json!({ "serial_number": "C02", "os": "OSX" })]).await.unwrap();
    portal.change_device(uuid, "C02", &json!({ "color": "RED" })).await.unwrap();
    assert_eq!(portal.device(uuid, "C02").await.unwrap()["color"], "RED");
    assert_eq!(portal.devices(uuid).await.unwrap().len(), 4);
    portal.remove_device(uuid, "C02").await.unwrap();
    let server = portal.server(uuid).await.unwrap();
    assert_eq!((server.devices, server.token_expires), (3, Some(expires.parse().unwrap())));
    assert_eq!(portal.servers().await.unwrap().len(), 1);
    assert_eq!(portal.profiles(uuid).await.unwrap().len(), 0);

    assert_eq!(portal.counts().await.unwrap()["GET /session"], 1);
    let requests = portal.requests().await.unwrap();
    assert_eq!((requests[0].path.as_str(), requests[0].server_uuid.as_str()), ("/session", uuid));
    portal.clear_requests().await.unwrap();
    assert!(portal.counts().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_call_is_held_and_let_go() {
    let sim = Sim::start().await;
    let (server, portal) = (sim.server().await, sim.simulator.portal());
    let session = sim.session(&server.keys).await;
    let rule = portal.add_fault(&Fault::hold_after().on("/account").method("GET")).await.unwrap();
    let held = async {
        let state = portal.wait_for_fault(rule.id, 1, 1).await.unwrap();
        assert_eq!((state.acted, state.held, state.used_up), (1, 1, true));
        portal.release_fault(rule.id).await.unwrap();
    };
    let (answer, ()) = tokio::join!(sim.ask(&session, "GET", "/account", Value::Null), held);
    assert_eq!(answer.status, 200);
    portal.remove_fault(rule.id).await.unwrap();

    let refuse = Fault::refuse("T_C_NOT_SIGNED").on("!/session").server(&server.uuid).from_nth(2).times(2);
    portal.add_fault(&refuse.and("gzip")).await.unwrap();
    let disconnect = Fault::disconnect(true).body_contains("C02").always();
    portal.add_fault(&disconnect).await.unwrap();
    portal.clear_faults().await.unwrap();
    assert_eq!(sim.ask(&session, "GET", "/account", Value::Null).await.status, 200);
    assert!(matches!(portal.fault(rule.id).await, Err(PortalError::Refused { status: 404, .. })));
}

#[tokio::test]
async fn time_terms_and_delays_are_set() {
    let sim = Sim::start().await;
    let (server, portal) = (sim.server().await, sim.simulator.portal());
    let before = portal.clock().await.unwrap();
    assert!(before.running && portal.advance_clock(3600).await.unwrap().now > before.now);
    portal.set_terms(&server.org_id, false).await.unwrap();
    portal.set_options(&json!({ "signature_clock": "any" })).await.unwrap();
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (403, "T_C_NOT_SIGNED"));
    portal.delay("/session", Duration::from_millis(1)).await.unwrap();
    portal.revoke_token(&server.uuid).await.unwrap();
    portal.reset().await.unwrap();
    assert!(portal.servers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_names_the_call_and_the_reason() {
    let sim = Sim::start().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let portal = Portal::at(&sim.simulator.url()).unwrap();
    let portal = portal.observed(move |exchange| {
        keep.lock().unwrap().push((exchange.method.clone(), exchange.path.clone(), exchange.status));
    });
    let error = portal.server("no/such").await.unwrap_err().to_string();
    assert!(error.starts_with("GET /_sim/servers/no%2Fsuch was refused with 404: "), "{error}");
    let expected = ("GET".to_owned(), "/_sim/servers/no%2Fsuch".to_owned(), 404);
    assert_eq!(*seen.lock().unwrap(), [expected]);
    for url in ["https://localhost", "http://", "localhost:1", "http://a/b", "http://u@h:1"] {
        assert!(matches!(Portal::at(url), Err(PortalError::Url(_))), "{url}");
    }
}

#[tokio::test]
async fn a_simulator_that_was_stopped_is_unreachable_and_one_at_the_same_url_is_reached_again() {
    let sim = Sim::start().await;
    let (url, portal) = (sim.simulator.url(), sim.simulator.portal());
    assert!(portal.servers().await.unwrap().is_empty());
    sim.simulator.stop().await;
    assert!(matches!(portal.servers().await, Err(PortalError::Unreachable(_))));
    let again = Sim::on(url.strip_prefix("http://").unwrap(), adept_simulator::Options::default()).await;
    assert!(portal.servers().await.unwrap().is_empty());
    drop(again);
}
