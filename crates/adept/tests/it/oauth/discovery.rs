//! Discovery document and keys: what clients fetch first.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::serve::started::Started;

#[tokio::test]
async fn every_address_in_the_document_has_the_public_host_and_port() {
    let service = Started::new().await;
    let tenant = service.storage().default_tenant();
    let url = service.running.url();
    let document = service.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(document.status, 200);
    let document = document.json();
    assert_eq!(document["issuer"], format!("{url}/{tenant}/v2.0"));
    for (member, path) in [
        ("token_endpoint", "oauth2/v2.0/token"),
        ("authorization_endpoint", "oauth2/v2.0/authorize"),
        ("device_authorization_endpoint", "oauth2/v2.0/devicecode"),
        ("jwks_uri", "discovery/v2.0/keys"),
    ] {
        assert_eq!(document[member], format!("{url}/{tenant}/{path}"), "{member}");
    }
    // Asked by another name, it still shows the public one.
    let other = url.replace("localhost", "127.0.0.1");
    let again = service.http.get(format!("{other}/{tenant}/v2.0/.well-known/openid-configuration"));
    assert_eq!(again.send().await.unwrap().json::<serde_json::Value>().await.unwrap(), document);
}

#[tokio::test]
async fn a_token_is_verified_with_the_published_key() {
    let service = Started::new().await;
    let application = service.application(&[]).await;
    let token = service.sign_in(&application).await;
    let keys = service.get(&format!("/{}/discovery/v2.0/keys", application.tenant)).await.json();
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&"RSA".into(), &"sig".into(), &"RS256".into()));
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let public = RsaPublicKeyComponents {
        n: decode(key["n"].as_str().unwrap()),
        e: decode(key["e"].as_str().unwrap()),
    };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &decode(signature)).unwrap();
    let header: serde_json::Value =
        serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
    assert_eq!(header["kid"], key["kid"]);
}

#[tokio::test]
async fn unknown_and_unreadable_tenants_are_told_apart_from_working_ones() {
    let service = Started::new().await;
    for (tenant, code) in [
        ("00000000-0000-0000-0000-000000000001", 90002),
        ("common", 900023),
        ("contoso.onmicrosoft.com", 900023),
    ] {
        for path in ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"] {
            let answer = service.get(&format!("/{tenant}/{path}")).await;
            assert_eq!(answer.status, 400, "{tenant}/{path}");
            let error = answer.json();
            assert_eq!(
                (&error["error"], &error["error_codes"][0]),
                (&"invalid_request".into(), &code.into())
            );
        }
    }
}
