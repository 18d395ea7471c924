//! `adept tenant`: list, disable, enable.

use adept::{
    domain::{Permission, TenantId},
    storage::ListQuery,
};

use super::adept;
use crate::serve::started::Started;

/// Activity, resource and changes of what the operator did in a tenant, oldest first.
pub async fn operators_entries(
    service: &Started,
    tenant: TenantId,
) -> Vec<(String, String, Vec<(String, String, String)>)> {
    let query = ListQuery { top: 100, ..ListQuery::default() };
    let mut rows = service.storage().audit.list(tenant, &query).await.unwrap().rows;
    rows.retain(|row| row.actor.client_name.as_deref() == Some("adept (command line)"));
    rows.reverse();
    rows.into_iter()
        .map(|row| {
            let changes = row.changes.into_iter();
            let values = |text: Option<String>| text.unwrap_or_default();
            let changes = changes.map(|change| (change.property, values(change.old), values(change.new)));
            (row.activity, row.resource_id, changes.collect())
        })
        .collect()
}

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
    let disabled = |from: &str, to: &str| vec![("disabled".to_owned(), from.to_owned(), to.to_owned())];
    let done = operators_entries(&service, application.tenant).await;
    assert_eq!(
        done,
        [
            ("disable Tenant".to_owned(), id.clone(), disabled("false", "true")),
            ("enable Tenant".to_owned(), id.clone(), disabled("true", "false")),
        ]
    );
    adept(&["tenant", "enable", &id, &data]).is(0, "Enabled");
    let done = operators_entries(&service, application.tenant).await;
    assert_eq!(done.len(), 2, "what changes nothing is no entry");
    adept(&["tenant", "disable", "00000000-0000-0000-0000-000000000001", &data]).is(3, "adept tenant list");
}
