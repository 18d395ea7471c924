//! `adept tenant`: list, disable, enable.

use adept::domain::Permission;

use super::adept;
use crate::serve::started::Started;

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_tenant_is_refused_and_comes_back() {
    let service = Started::new().await;
    let application = service.application(&[Permission::ServiceConfigRead]).await;
    let (id, data) =
        (application.tenant.to_string(), format!("--data-dir={}", service.folder.path().display()));
    let discovery = format!("/{id}/v2.0/.well-known/openid-configuration");
    adept(&["tenant", "disable", &id, &data]).is(0, "Disabled");
    assert_eq!(service.get(&discovery).await.status, 400);
    let listed = adept(&["tenant", "list", "--json", &data]).json();
    assert_eq!((&listed[0]["tenantId"], &listed[0]["disabled"]), (&id.as_str().into(), &true.into()));
    adept(&["tenant", "enable", &id, &data]).is(0, "Enabled");
    assert_eq!(service.get(&discovery).await.status, 200);
    assert!(adept(&["tenant", "list", &data]).out.contains("enabled"));
    adept(&["tenant", "disable", "00000000-0000-0000-0000-000000000001", &data]).is(3, "adept tenant list");
}
