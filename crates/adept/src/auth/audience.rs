//! Audiences: what a client may ask a token for (`scope`), and what a token may be made out to (`aud`).

use reqwest::Url;

use super::PublicUrl;

/// Microsoft Graph as an audience, by URL. Clients that were written for Microsoft's cloud ask for it.
const GRAPH: &str = "https://graph.microsoft.com";
/// Microsoft Graph as an audience, by application id. Source: Microsoft Graph, `InvalidAuthenticationToken` answers.
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
/// The suffix that asks for everything the application was granted.
const DEFAULT: &str = "/.default";

/// The audience that a `scope` asks for; none when it is anything but one known audience followed by `/.default`.
///
/// The port is ignored: official clients ask for the host of their base URL without it.
pub(super) fn from_scope(scope: &str, public_url: &PublicUrl) -> Option<String> {
    let resource = scope.trim().strip_suffix(DEFAULT)?;
    is_known(resource, public_url).then(|| resource.trim_end_matches('/').to_owned())
}

/// Whether a token made out to `audience` is meant for this service.
pub(super) fn is_known(audience: &str, public_url: &PublicUrl) -> bool {
    if audience.eq_ignore_ascii_case(GRAPH_APP_ID) {
        return true;
    }
    // A blank would hide a second scope; the URL parser would percent-encode or drop it.
    if audience.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let Ok(url) = Url::parse(audience) else { return false };
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let ours = url.host_str() == Some(public_url.host())
        && (url.scheme() == "https" || url.scheme() == public_url.scheme());
    bare && (ours || url.origin().ascii_serialization() == GRAPH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_the_public_host_with_any_port_or_microsoft_graph() {
        let ours = PublicUrl::parse("https://localhost:8443").unwrap();
        for (scope, audience) in [
            ("https://localhost/.default", "https://localhost"),
            ("https://localhost:8443/.default", "https://localhost:8443"),
            ("https://LOCALHOST:1/.default", "https://LOCALHOST:1"),
            ("https://localhost//.default", "https://localhost"),
            (" https://graph.microsoft.com/.default ", "https://graph.microsoft.com"),
            ("00000003-0000-0000-c000-000000000000/.default", "00000003-0000-0000-c000-000000000000"),
        ] {
            assert_eq!(from_scope(scope, &ours).as_deref(), Some(audience), "{scope}");
        }
    }

    #[test]
    fn every_other_scope_is_refused() {
        let ours = PublicUrl::parse("https://localhost:8443").unwrap();
        for scope in [
            "",
            "/.default",
            ".default",
            "https://localhost",
            "https://localhost/DeviceManagementServiceConfig.ReadWrite.All",
            "http://localhost/.default",
            "https://localhost.example.org/.default",
            "https://localhost@example.org/.default",
            "https://example.org/.default",
            "https://management.azure.com/.default",
            "https://graph.microsoft.com:8443/.default",
            "https://localhost/.default https://graph.microsoft.com/.default",
            "https://localhost/a/.default",
            "https://localhost?/.default",
        ] {
            assert_eq!(from_scope(scope, &ours), None, "{scope}");
        }
    }

    #[test]
    fn plain_http_is_an_audience_only_of_a_plain_service() {
        let plain = PublicUrl::parse("http://localhost:8080").unwrap();
        assert!(from_scope("http://localhost/.default", &plain).is_some());
        assert!(from_scope("https://localhost/.default", &plain).is_some());
    }
}
