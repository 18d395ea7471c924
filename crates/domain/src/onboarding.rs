//! Onboarding settings and the rules by which a server token is accepted. Pure: what was learned is handed in.

use jiff::Timestamp;

use super::{SettingId, SettingKey, TenantId, TokenStanding, TokenState};

words! {
    /// What kind of Apple program a setting's token belongs to, in Graph's words.
    pub enum TokenType: eq_ignore_ascii_case {
        /// The Apple Configurator pseudo-setting, which has no token.
        None = "none",
        /// Apple Business Manager.
        Dep = "dep",
        /// Apple School Manager.
        AppleSchoolManager = "appleSchoolManager",
    }
}

impl TokenType {
    /// From Apple's `org_type`: `edu` is a school, everything else a business.
    pub fn from_org_type(org_type: Option<&str>) -> Self {
        if org_type.is_some_and(|t| t.eq_ignore_ascii_case("edu")) {
            Self::AppleSchoolManager
        } else {
            Self::Dep
        }
    }
}

words! {
    /// What a key pair was used for.
    pub enum KeyStatus: eq {
        /// It opened no token yet.
        Pending = "pending",
        /// It opened the token in use.
        Current = "current",
        /// It opened an earlier token.
        Previous = "previous",
    }
}

/// Which of Apple's device management servers a setting stands for. Learned from `GET /account`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerIdentity {
    /// `server_uuid`, upper-case hex digits without dashes; unique within an organization.
    pub server_uuid: Option<String>,
    /// `org_id`.
    pub org_id: Option<String>,
    /// `server_name`.
    pub server_name: Option<String>,
    /// `org_name`.
    pub org_name: Option<String>,
}

impl ServerIdentity {
    /// Whether both name the same server, as far as either knows: equal `server_uuid`, and `org_id` equal or unknown
    /// on either side. Unknown `server_uuid` is never the same.
    pub fn is_same_server(&self, other: &Self) -> bool {
        let uuid = self.server_uuid.is_some() && self.server_uuid == other.server_uuid;
        let org = match (&self.org_id, &other.org_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        uuid && org
    }

    /// What is known afterwards: a known value is never overwritten by nothing.
    pub fn merged_with(&self, newer: &Self) -> Self {
        let pick = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
        Self {
            server_uuid: pick(&newer.server_uuid, &self.server_uuid),
            org_id: pick(&newer.org_id, &self.org_id),
            server_name: pick(&newer.server_name, &self.server_name),
            org_name: pick(&newer.org_name, &self.org_name),
        }
    }
}

/// How the synchronization of a setting stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// The last time a sync was asked for, by a person or by the schedule.
    pub triggered_at: Option<Timestamp>,
    /// The last time a sync came to its end.
    pub succeeded_at: Option<Timestamp>,
    /// Syncs that failed in a row.
    pub failures: i64,
    /// Devices listed and not gone.
    pub device_count: i64,
}

/// An onboarding setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The owner.
    pub tenant: TenantId,
    /// Graph's id.
    pub id: SettingId,
    /// `tokenName`: a label that people give.
    pub token_name: Option<String>,
    /// `appleIdentifier`.
    pub apple_identifier: Option<String>,
    /// `tokenType`.
    pub token_type: TokenType,
    /// `dataSharingConsentGranted`.
    pub data_sharing_consent: bool,
    /// `shareTokenWithSchoolDataSyncService`.
    pub share_with_school_data_sync: bool,
    /// `roleScopeTagIds`; none when a client cleared it.
    pub role_scope_tag_ids: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// `lastModifiedDateTime`.
    pub modified_at: Timestamp,
    /// What is known of the token.
    pub token_state: TokenState,
    /// Whether Apple has ever accepted the stored token.
    pub token_verified: bool,
    /// Whether Apple refused the stored token as a credential.
    pub credential_refused: bool,
    /// Grows by one with every token; 0 before the first.
    pub token_generation: i64,
    /// `tokenExpirationDateTime`; none before the first token.
    pub token_expires_at: Option<Timestamp>,
    /// The server it is bound to, as far as known.
    pub server: ServerIdentity,
    /// How its synchronization stands.
    pub sync: SyncStatus,
}

impl Setting {
    /// A setting as it is made, without a token.
    pub fn new(key: SettingKey, token_type: TokenType, token_name: Option<String>, now: Timestamp) -> Self {
        Self {
            tenant: key.tenant,
            id: key.id,
            token_name,
            apple_identifier: None,
            token_type,
            data_sharing_consent: false,
            share_with_school_data_sync: false,
            role_scope_tag_ids: Some(vec!["0".to_owned()]),
            created_at: now,
            modified_at: now,
            token_state: TokenState::None,
            token_verified: false,
            credential_refused: false,
            token_generation: 0,
            token_expires_at: None,
            server: ServerIdentity::default(),
            sync: SyncStatus::default(),
        }
    }

    /// The setting without a token that every tenant has, for policies of Apple Configurator; its id is the tenant's.
    pub fn apple_configurator(tenant: TenantId, now: Timestamp) -> Self {
        let key = SettingKey { tenant, id: SettingId(tenant.0) };
        Self::new(key, TokenType::None, Some("Apple Configurator".to_owned()), now)
    }

    /// What names everything that belongs to it.
    pub fn key(&self) -> SettingKey {
        SettingKey { tenant: self.tenant, id: self.id }
    }

    /// How the server token stands at `now`.
    pub fn standing(&self, now: Timestamp) -> TokenStanding {
        match TokenStanding::at(now, self.token_state, self.token_verified, self.token_expires_at) {
            TokenStanding::State(TokenState::Ok) if self.sync.failures > 0 => TokenStanding::Failing,
            standing => standing,
        }
    }
}

/// What a caller gives to make a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSetting {
    /// `tokenName`.
    pub token_name: Option<String>,
    /// `dataSharingConsentGranted`.
    pub data_sharing_consent: bool,
    /// `roleScopeTagIds`; unset means `["0"]`.
    pub role_scope_tag_ids: Option<Vec<String>>,
}

/// What a caller changes of a setting; an outer none leaves the value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingPatch {
    /// `tokenName`.
    pub token_name: Option<Option<String>>,
    /// `dataSharingConsentGranted`.
    pub data_sharing_consent: Option<bool>,
    /// `roleScopeTagIds`.
    pub role_scope_tag_ids: Option<Option<Vec<String>>>,
}

/// How the token that is offered compares with a stored one, without showing either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenComparison {
    /// Both name the same consumer key: the same server, downloaded by the same Apple account.
    pub same_consumer_key: bool,
    /// All five fields are equal: the same file again.
    pub same_token: bool,
    /// The offered one ends later.
    pub later: bool,
}

/// What a setting knows when a token is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The server it is bound to; unknown before the first good `/account`.
    pub server: ServerIdentity,
    /// How the offered token compares with the last verified one, or, where there is none, with the stored one.
    /// None when the setting has no token.
    pub token: Option<TokenComparison>,
    /// Whether the offered token equals the one in use, verified or not.
    pub same_as_current: bool,
}

/// What `GET /account` said, reduced to what decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// Which server the token is for.
    pub server: ServerIdentity,
    /// The Apple account that downloaded the token.
    pub admin_id: Option<String>,
    /// `org_type`.
    pub org_type: Option<String>,
    /// Devices per page that Apple allows, 1 to 1,000.
    pub page_limit: u32,
}

/// How far Apple let us see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Apple accepted the token.
    Account(AccountFacts),
    /// Apple waits for new terms and shows nothing else.
    TermsNotSigned,
}

/// An accepted token: what becomes of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// A token that Apple accepted takes the place of what was there.
    Verified {
        /// What is known of the server from now on.
        server: ServerIdentity,
        /// Whether the setting is bound to a server by this token for the first time.
        binds: bool,
        /// A renewal that another Apple account downloaded.
        other_account: bool,
    },
    /// The very same token again, still accepted by Apple: nothing is replaced.
    Repeated {
        /// What is known of the server from now on.
        server: ServerIdentity,
        /// Whether the setting is bound to a server by this token for the first time.
        binds: bool,
    },
    /// Apple waits for terms; the token is kept, but verifies nothing yet.
    Unverified,
}

/// Why a token that is well-formed and that Apple did not refuse is refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token belongs to another server than the setting.
    AnotherServer {
        /// The server the setting stands for, in Apple's words.
        ours: Box<ServerIdentity>,
        /// The server the token is for.
        theirs: Box<ServerIdentity>,
    },
    /// The token does not say which server it is for, and another Apple account downloaded it.
    ServerNotNamed,
    /// Apple waits for terms, so nobody can tell whether this token belongs to the setting's server.
    TermsWithUnknownKey,
}

/// Decides about a token that was opened, is not expired and was shown to Apple.
pub fn accept(known: &Known, verification: &Verification) -> Result<Acceptance, Refusal> {
    match verification {
        Verification::TermsNotSigned => match known.token {
            None => Ok(Acceptance::Unverified),
            Some(token) if token.same_token || (token.same_consumer_key && token.later) => {
                Ok(Acceptance::Unverified)
            }
            Some(_) => Err(Refusal::TermsWithUnknownKey),
        },
        Verification::Account(account) => accept_verified(known, &account.server),
    }
}

fn accept_verified(known: &Known, theirs: &ServerIdentity) -> Result<Acceptance, Refusal> {
    let bound = known.server.server_uuid.is_some();
    if bound && theirs.server_uuid.is_none() {
        if !known.token.is_some_and(|token| token.same_consumer_key) {
            return Err(Refusal::ServerNotNamed);
        }
    } else if bound && !known.server.is_same_server(theirs) {
        return Err(Refusal::AnotherServer {
            ours: Box::new(known.server.clone()),
            theirs: Box::new(theirs.clone()),
        });
    }
    let server = known.server.merged_with(theirs);
    let binds = (&server.server_uuid, &server.org_id) != (&known.server.server_uuid, &known.server.org_id);
    if known.same_as_current {
        return Ok(Acceptance::Repeated { server, binds });
    }
    let other_account = known.token.is_some_and(|token| !token.same_consumer_key);
    Ok(Acceptance::Verified { server, binds, other_account })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENEWAL: TokenComparison =
        TokenComparison { same_consumer_key: true, same_token: false, later: true };
    const OTHER_ACCOUNT: TokenComparison =
        TokenComparison { same_consumer_key: false, same_token: false, later: true };

    fn server(uuid: Option<&str>, org: Option<&str>) -> ServerIdentity {
        ServerIdentity {
            server_uuid: uuid.map(str::to_owned),
            org_id: org.map(str::to_owned),
            ..ServerIdentity::default()
        }
    }

    fn account(uuid: Option<&str>, org: Option<&str>) -> Verification {
        Verification::Account(AccountFacts {
            server: server(uuid, org),
            page_limit: 1000,
            ..AccountFacts::default()
        })
    }

    fn known(uuid: Option<&str>, org: Option<&str>, token: Option<TokenComparison>) -> Known {
        Known {
            server: server(uuid, org),
            same_as_current: token.is_some_and(|token| token.same_token),
            token,
        }
    }

    #[test]
    fn a_first_verified_token_binds_the_setting() {
        let accepted = accept(&known(None, None, None), &account(Some("A"), Some("1"))).unwrap();
        assert_eq!(
            accepted,
            Acceptance::Verified { server: server(Some("A"), Some("1")), binds: true, other_account: false }
        );
    }

    #[test]
    fn a_renewal_by_another_account_of_the_same_server_is_normal() {
        let accepted =
            accept(&known(Some("A"), Some("1"), Some(OTHER_ACCOUNT)), &account(Some("A"), Some("1")))
                .unwrap();
        assert!(matches!(accepted, Acceptance::Verified { binds: false, other_account: true, .. }));
    }

    #[test]
    fn another_servers_token_is_refused_by_uuid_and_by_organization() {
        for theirs in [account(Some("B"), Some("1")), account(Some("A"), Some("2"))] {
            let refused = accept(&known(Some("A"), Some("1"), Some(RENEWAL)), &theirs);
            assert!(matches!(refused, Err(Refusal::AnotherServer { .. })), "{theirs:?}");
        }
    }

    #[test]
    fn an_organization_that_is_unknown_on_one_side_does_not_count() {
        let accepted =
            accept(&known(Some("A"), None, Some(RENEWAL)), &account(Some("A"), Some("1"))).unwrap();
        assert!(matches!(accepted, Acceptance::Verified { binds: true, .. }));
        let accepted =
            accept(&known(Some("A"), Some("1"), Some(RENEWAL)), &account(Some("A"), None)).unwrap();
        assert_eq!(
            accepted,
            Acceptance::Verified { server: server(Some("A"), Some("1")), binds: false, other_account: false }
        );
    }

    #[test]
    fn a_renewal_without_server_uuid_needs_the_same_consumer_key() {
        assert!(accept(&known(Some("A"), None, Some(RENEWAL)), &account(None, None)).is_ok());
        assert_eq!(
            accept(&known(Some("A"), None, Some(OTHER_ACCOUNT)), &account(None, None)),
            Err(Refusal::ServerNotNamed)
        );
    }

    #[test]
    fn a_first_token_without_server_uuid_is_accepted_and_bound_later() {
        let first = accept(&known(None, None, None), &account(None, None)).unwrap();
        assert!(matches!(first, Acceptance::Verified { binds: false, .. }));
        let later = accept(&known(None, None, Some(OTHER_ACCOUNT)), &account(Some("A"), None)).unwrap();
        assert!(matches!(later, Acceptance::Verified { binds: true, .. }));
    }

    #[test]
    fn unsigned_terms_are_taken_for_a_first_token_a_later_renewal_and_the_same_file() {
        let same = TokenComparison { same_consumer_key: true, same_token: true, later: false };
        for token in [None, Some(RENEWAL), Some(same)] {
            assert_eq!(
                accept(&known(Some("A"), None, token), &Verification::TermsNotSigned),
                Ok(Acceptance::Unverified)
            );
        }
        let older = TokenComparison { same_consumer_key: true, same_token: false, later: false };
        for token in [OTHER_ACCOUNT, older] {
            assert_eq!(
                accept(&known(Some("A"), None, Some(token)), &Verification::TermsNotSigned),
                Err(Refusal::TermsWithUnknownKey)
            );
        }
    }

    #[test]
    fn the_same_file_again_replaces_nothing() {
        let same = TokenComparison { same_consumer_key: true, same_token: true, later: false };
        let accepted = accept(&known(Some("A"), None, Some(same)), &account(Some("A"), None)).unwrap();
        assert!(matches!(accepted, Acceptance::Repeated { binds: false, .. }));
    }

    #[test]
    fn token_types_are_members_of_graphs_enumeration_and_only_edu_is_a_school() {
        for token_type in TokenType::ALL {
            let word = token_type.as_str();
            assert!(crate::members::DEP_TOKEN_TYPE.contains(&word), "{word}");
            assert_eq!(TokenType::from_word(&word.to_ascii_uppercase()), Some(token_type));
        }
        assert_eq!(TokenType::from_word("vpp"), None);
        for (org_type, expected) in [
            (None, TokenType::Dep),
            (Some("org"), TokenType::Dep),
            (Some("edu"), TokenType::AppleSchoolManager),
            (Some("EDU"), TokenType::AppleSchoolManager),
        ] {
            assert_eq!(TokenType::from_org_type(org_type), expected, "{org_type:?}");
        }
    }

    #[test]
    fn two_servers_are_the_same_by_uuid_and_by_organization_as_far_as_both_name_one() {
        let (a, a1, a2) = ((Some("A"), None), (Some("A"), Some("1")), (Some("A"), Some("2")));
        for (ours, theirs, is_same) in [
            (a, a, true),
            (a, a1, true),
            (a1, a1, true),
            (a1, a2, false),
            (a1, (Some("B"), Some("1")), false),
            (a1, (None, Some("1")), false),
            ((None, None), (None, None), false),
            ((None, Some("1")), (None, Some("1")), false),
        ] {
            let (ours, theirs) = (server(ours.0, ours.1), server(theirs.0, theirs.1));
            assert_eq!(ours.is_same_server(&theirs), is_same, "{ours:?} {theirs:?}");
            assert_eq!(theirs.is_same_server(&ours), is_same, "{theirs:?} {ours:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_server_is_replaced_by_news_and_never_by_nothing() {
        let named = |word: &str| ServerIdentity {
            server_uuid: Some(format!("{word} uuid")),
            org_id: Some(format!("{word} id")),
            server_name: Some(format!("{word} name")),
            org_name: Some(format!("{word} organization")),
        };
        let nothing = ServerIdentity::default();
        assert_eq!(named("old").merged_with(&nothing), named("old"));
        assert_eq!(nothing.merged_with(&named("new")), named("new"));
        assert_eq!(named("old").merged_with(&named("new")), named("new"));
    }

    #[test]
    fn a_token_stands_well_only_while_syncs_come_to_their_end() {
        let now = Timestamp::UNIX_EPOCH;
        let tenant = TenantId(uuid::Uuid::from_u128(7));
        let mut setting = Setting::apple_configurator(tenant, now);
        let key = SettingKey { tenant, id: SettingId(tenant.0) };
        assert_eq!((setting.key(), setting.token_type), (key, TokenType::None));
        assert_eq!(setting.standing(now), TokenStanding::State(TokenState::None));
        setting.token_verified = true;
        setting.token_expires_at = Some(now + TokenStanding::SOON + jiff::SignedDuration::from_secs(1));
        for (state, failures, expected) in [
            (TokenState::Ok, 0, TokenStanding::State(TokenState::Ok)),
            (TokenState::Ok, 1, TokenStanding::Failing),
            (TokenState::Ok, 9, TokenStanding::Failing),
            (TokenState::Terms, 1, TokenStanding::State(TokenState::Terms)),
        ] {
            (setting.token_state, setting.sync.failures) = (state, failures);
            assert_eq!(setting.standing(now), expected, "{state:?} after {failures}");
        }
    }
}
