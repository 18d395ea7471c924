//! Reads the JSON of a body against the description of a type or an action. Nothing of a value is ever repeated in an
//! error, since bodies hold secrets.

use adept_odata::Kind;
use serde_json::{Map, Value as Json};

use super::{
    error::{BadBody, shortened},
    json::parse,
    types::{ActionType, Bounds, ComplexType, EntityType},
    value::InputValue,
};

/// The members of a JSON object.
pub(super) type Members = Map<String, Json>;

/// The members of the object that a body holds. An empty body is an empty object if `may_be_empty`.
pub(super) fn members(body: &[u8], may_be_empty: bool) -> Result<Members, BadBody> {
    // Windows' tools write a byte order mark, which is no JSON.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if may_be_empty && body.trim_ascii().is_empty() {
        return Ok(Members::new());
    }
    if std::str::from_utf8(body).is_err() {
        return Err(BadBody::NotUtf8);
    }
    match parse(body)? {
        Json::Object(members) => Ok(members),
        Json::Null if may_be_empty => Ok(Members::new()),
        _ => Err(BadBody::NotAnObject),
    }
}

impl<R, F, W: Default> EntityType<R, F, W> {
    /// What a body changes. What only the server sets, `id` and annotations are ignored, as Graph's own clients need.
    pub(super) fn read(&self, members: Members) -> Result<W, BadBody> {
        let mut written = W::default();
        for (_, json) in members.iter().filter(|(name, _)| name.eq_ignore_ascii_case(TYPE)) {
            if !named_type(json)?.is_none_or(|named| named.is(self.name)) {
                return Err(BadBody::OtherType { actual: self.name });
            }
        }
        if let Some(bound) = members.keys().find(|name| bound_property(name).is_some()) {
            return Err(BadBody::Binding { annotation: shortened(bound) });
        }
        for (name, json) in without_annotations(members) {
            let Some((_, property)) = self.property(&name) else {
                return Err(self.unknown(&name));
            };
            if let Some(write) = property.write {
                let input =
                    value(json, property.kind, property.nullable, Bounds::of(property.kind), property.name)?;
                write(&mut written, input);
            }
        }
        Ok(written)
    }

    fn unknown(&self, name: &str) -> BadBody {
        let mut navigations = self.all_navigations().into_iter();
        match navigations.find(|navigation| navigation.name.eq_ignore_ascii_case(name)) {
            Some(navigation) => BadBody::Navigation { property: navigation.name },
            None => BadBody::UnknownProperty { property: shortened(name), type_name: self.name },
        }
    }
}

impl<A: Default> ActionType<A> {
    /// The arguments in a body.
    pub(super) fn read(&self, members: Members) -> Result<A, BadBody> {
        let mut arguments = A::default();
        for (name, json) in without_annotations(members) {
            let known = self.parameters.iter().find(|known| known.name.eq_ignore_ascii_case(&name));
            let Some(parameter) = known else {
                return Err(BadBody::UnknownParameter { parameter: shortened(&name), action: self.name });
            };
            let value = value(json, parameter.kind, true, parameter.bounds, parameter.name)?;
            (parameter.write)(&mut arguments, value);
        }
        Ok(arguments)
    }
}

impl ActionType<Vec<String>> {
    /// The texts in the one list that the action needs.
    pub(super) fn read_list(
        &self,
        parameter: &'static str,
        members: Members,
    ) -> Result<Vec<String>, BadBody> {
        let texts = self.read(members)?;
        if texts.is_empty() { Err(BadBody::Missing { parameter }) } else { Ok(texts) }
    }
}

impl ComplexType {
    fn read(&self, members: Members, path: &str) -> Result<InputValue, BadBody> {
        let mut read = Vec::with_capacity(members.len());
        for (name, json) in without_annotations(members) {
            let Some(member) = self.members.iter().find(|known| known.name.eq_ignore_ascii_case(&name))
            else {
                return Err(BadBody::UnknownProperty { property: shortened(&name), type_name: self.name });
            };
            let path = format!("{path}/{}", member.name);
            read.push((member.name, value(json, member.kind, member.nullable, member.bounds, &path)?));
        }
        Ok(InputValue::Object(read))
    }
}

/// The value of `json` as a `kind` within `bounds`; `path` names it in errors.
fn value(json: Json, kind: Kind, nullable: bool, bounds: Bounds, path: &str) -> Result<InputValue, BadBody> {
    let wrong = || BadBody::WrongType { path: path.to_owned(), expected: kind.to_string() };
    match (kind, json) {
        (_, Json::Null) if nullable => Ok(InputValue::Null),
        (_, Json::Null) => Err(BadBody::Null { path: path.to_owned(), expected: kind.to_string() }),
        (Kind::Boolean, Json::Bool(value)) => Ok(InputValue::Bool(value)),
        (Kind::Int32, Json::Number(number)) => {
            // Some clients write every number with a fraction.
            let whole = number.as_i64().or_else(|| match number.as_f64() {
                Some(value) if value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX) => {
                    Some(value as i64)
                }
                _ => None,
            });
            whole
                .and_then(|number| i32::try_from(number).ok())
                .map(|number| InputValue::Int(number.into()))
                .ok_or_else(wrong)
        }
        (Kind::Int64, Json::Number(number)) => number.as_i64().map(InputValue::Int).ok_or_else(wrong),
        (Kind::String, Json::String(text)) => {
            bounds.check_text(&text, path)?;
            Ok(InputValue::Text(text.into()))
        }
        (Kind::DateTimeOffset, Json::String(text)) => {
            text.parse().map(InputValue::DateTime).map_err(|_| wrong())
        }
        (Kind::Guid, Json::String(text)) => text.parse().map(InputValue::Guid).map_err(|_| wrong()),
        (Kind::Enum(members), Json::String(text)) => {
            members.member(&text).map(|(_, member)| InputValue::Enum(member)).ok_or_else(wrong)
        }
        (Kind::Collection(item), Json::Array(items)) => {
            bounds.check_length(items.len(), path)?;
            let item = |(index, json)| value(json, *item, false, bounds, &format!("{path}[{index}]"));
            items.into_iter().enumerate().map(item).collect::<Result<_, _>>().map(InputValue::List)
        }
        (Kind::Complex(name), Json::Object(members)) => match ComplexType::named(name) {
            Some(kind) => kind.read(members, path),
            None => Err(wrong()),
        },
        (
            Kind::String
            | Kind::Boolean
            | Kind::Int32
            | Kind::Int64
            | Kind::DateTimeOffset
            | Kind::Date
            | Kind::Guid
            | Kind::Enum(_)
            | Kind::Complex(_)
            | Kind::Collection(_),
            _,
        ) => Err(wrong()),
    }
}

impl Bounds {
    fn check_text(self, text: &str, path: &str) -> Result<(), BadBody> {
        // PostgreSQL's text cannot hold it.
        if !self.nul && text.contains('\0') {
            return Err(BadBody::Nul { path: path.to_owned() });
        }
        // No text has more characters than bytes.
        if text.len() > self.characters && text.chars().count() > self.characters {
            return Err(BadBody::TooLong { path: path.to_owned(), limit: self.characters });
        }
        Ok(())
    }

    fn check_length(self, items: usize, path: &str) -> Result<(), BadBody> {
        match items > self.items {
            true => Err(BadBody::TooMany { path: path.to_owned(), limit: self.items }),
            false => Ok(()),
        }
    }
}

/// The property that `x@odata.bind` binds.
pub(super) fn bound_property(name: &str) -> Option<&str> {
    const BIND: &str = "@odata.bind";
    let (property, annotation) = name.split_at_checked(name.len().checked_sub(BIND.len())?)?;
    annotation.eq_ignore_ascii_case(BIND).then_some(property)
}

/// The annotation that says of which type an object is.
pub(super) const TYPE: &str = "@odata.type";

/// Without the members that say something about the others: with full metadata answers are full of them, and some
/// clients send back what they read.
fn without_annotations(members: Members) -> impl Iterator<Item = (String, Json)> {
    members.into_iter().filter(|(name, _)| !name.contains('@') && !name.starts_with('#'))
}

/// The name of a type as a client wrote it.
pub(super) struct NamedType<'j>(pub(super) &'j str);

impl<'j> NamedType<'j> {
    /// The name without `#` and without the namespace `microsoft.graph` or its alias; none in another namespace.
    pub(super) fn unqualified(&self) -> Option<&'j str> {
        let name = self.0.trim_start_matches('#');
        let Some((namespace, name)) = name.rsplit_once('.') else { return Some(name) };
        let known = ["microsoft.graph", "graph"].iter().any(|known| namespace.eq_ignore_ascii_case(known));
        known.then_some(name)
    }

    /// Whether it means the type of this qualified name.
    fn is(&self, name: &str) -> bool {
        let own = name.rsplit_once('.').map_or(name, |(_, own)| own);
        self.unqualified().is_some_and(|written| written.eq_ignore_ascii_case(own))
    }
}

/// What `@odata.type` says; none for null.
pub(super) fn named_type(json: &Json) -> Result<Option<NamedType<'_>>, BadBody> {
    match json {
        Json::Null => Ok(None),
        Json::String(name) => Ok(Some(NamedType(name))),
        _ => Err(BadBody::WrongType { path: TYPE.to_owned(), expected: Kind::String.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::types::{DEP_IOS_ENROLLMENT_PROFILE, DEP_ONBOARDING_SETTING, UPLOAD_DEP_TOKEN};

    fn setting(body: &str) -> Result<crate::domain::SettingPatch, String> {
        let members = members(body.as_bytes(), false).map_err(|error| error.to_string())?;
        DEP_ONBOARDING_SETTING.read(members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_patch_holds_what_was_sent_and_nothing_else() {
        let patch = setting(
            r##"{"@odata.type":"#microsoft.graph.depOnboardingSetting","id":7,"TokenName":"n","appleIdentifier":5,
                "lastSyncErrorCode":"x","tokenName@odata.type":"#String","dataSharingConsentGranted":true}"##,
        )
        .unwrap();
        assert_eq!(patch.token_name, Some(Some("n".to_owned())));
        assert_eq!(patch.data_sharing_consent, Some(true));
        assert_eq!(patch.role_scope_tag_ids, None);
    }

    #[test]
    fn null_clears_what_may_be_null_and_is_refused_elsewhere() {
        let patch = setting(r#"{"tokenName":null,"roleScopeTagIds":null}"#).unwrap();
        assert_eq!((patch.token_name, patch.role_scope_tag_ids), (Some(None), Some(None)));
        assert!(setting(r#"{"dataSharingConsentGranted":null}"#).unwrap_err().contains("cannot be null"));
    }

    #[test]
    fn texts_and_lists_have_bounds() {
        let named = |text: &str| setting(&serde_json::json!({ "tokenName": text }).to_string());
        let tagged = |items: usize, tag: &str| {
            setting(&serde_json::json!({ "roleScopeTagIds": vec![tag; items] }).to_string())
        };
        assert!(named(&"ö".repeat(1024)).is_ok() && tagged(100, "0").is_ok());
        let too_long = "is longer than the 1024 characters that are accepted. Nothing was changed.";
        assert_eq!(named(&"a".repeat(1025)).unwrap_err(), format!("'tokenName' {too_long}"));
        assert_eq!(tagged(2, &"a".repeat(1025)).unwrap_err(), format!("'roleScopeTagIds[0]' {too_long}"));
        assert_eq!(
            tagged(101, "0").unwrap_err(),
            "'roleScopeTagIds' holds more than the 100 items that are accepted. Nothing was changed."
        );
        assert_eq!(named("a\0").unwrap_err(), "'tokenName' must not hold NUL. Nothing was changed.");
        // A token is a file, of which the service says itself what is wrong with it.
        let token = serde_json::json!({ "depToken": format!("{}\0", "a".repeat(100_000)) }).to_string();
        let upload = members(token.as_bytes(), false).and_then(|members| UPLOAD_DEP_TOKEN.read(members));
        assert_eq!(upload.ok().unwrap().dep_token.len(), 100_001);
    }

    #[test]
    fn a_certificate_may_be_longer_than_a_name() {
        let profile = |certificates: usize, length: usize| {
            let all = vec![
                serde_json::json!({ "certificate": "A".repeat(length), "thumbprint": "x" });
                certificates
            ];
            let body = serde_json::json!({ "managementCertificates": all }).to_string();
            let members = members(body.as_bytes(), false).map_err(|error| error.to_string())?;
            DEP_IOS_ENROLLMENT_PROFILE.read(members).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(profile(20, 16_384), Ok(()));
        assert!(
            profile(21, 1).unwrap_err().starts_with("'managementCertificates' holds more than the 20 items")
        );
        let too_long = profile(1, 16_385).unwrap_err();
        assert!(too_long.starts_with("'managementCertificates[0]/certificate' is longer than the 16384"));
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        for (body, part) in [
            ("", "line 1, column 0"),
            ("{", "line 1, column 1"),
            ("[]", "must be a JSON object"),
            ("7", "must be a JSON object"),
            (r#"{"nothing":1}"#, "'nothing' does not exist on type 'microsoft.graph.depOnboardingSetting'"),
            (r#"{"enrollmentProfiles":[]}"#, "'enrollmentProfiles' leads to other entities"),
            (r#"{"tokenName":7}"#, "'tokenName' must be of type 'Edm.String'"),
            (r#"{"dataSharingConsentGranted":"true"}"#, "must be of type 'Edm.Boolean'"),
            (r#"{"roleScopeTagIds":"0"}"#, "must be of type 'Collection(Edm.String)'"),
            (r#"{"roleScopeTagIds":["0",{}]}"#, "'roleScopeTagIds[1]' must be of type 'Edm.String'"),
        ] {
            let refused = setting(body).unwrap_err();
            assert!(refused.contains(part), "{body}: {refused}");
        }
    }

    #[test]
    fn a_type_that_is_named_is_the_own_one() {
        for name in [
            r##""#microsoft.graph.depOnboardingSetting""##,
            r#""graph.DEPONBOARDINGSETTING""#,
            r#""depOnboardingSetting""#,
            "null",
        ] {
            assert!(setting(&format!(r#"{{"@odata.type":{name}}}"#)).is_ok(), "{name}");
        }
        for (name, part) in [
            (r##""#microsoft.graph.enrollmentProfile""##, "type of an entity cannot be changed"),
            (r#""elsewhere.depOnboardingSetting""#, "type of an entity cannot be changed"),
            (r#""""#, "type of an entity cannot be changed"),
            ("7", "'@odata.type' must be of type 'Edm.String'"),
        ] {
            let refused = setting(&format!(r#"{{"@Odata.Type":{name}}}"#)).unwrap_err();
            assert!(refused.contains(part), "{name}: {refused}");
        }
    }

    #[test]
    fn an_actions_body_holds_its_parameters_only() {
        let read = |body: &str| UPLOAD_DEP_TOKEN.read(members(body.as_bytes(), false)?);
        let upload = read(r#"{"appleId":"","DEPTOKEN":"t","@odata.type":"x"}"#).ok().unwrap();
        assert_eq!((upload.apple_id, upload.dep_token.as_str()), (None, "t"));
        let refused = read(r#"{"depToken":"t","other":1}"#).err().unwrap();
        assert!(refused.to_string().starts_with("'other' is not a parameter of the action 'uploadDepToken'"));
        assert!(matches!(read(r#"{"depToken":["t"]}"#), Err(BadBody::WrongType { .. })));
    }

    #[test]
    fn nothing_of_a_value_is_repeated() {
        for body in [r#"{"depToken":{"s3cret":1}}"#, r#"{"depToken":"s3cret"#, r#""s3cret""#, "s3cret"] {
            let refused = members(body.as_bytes(), false).and_then(|members| UPLOAD_DEP_TOKEN.read(members));
            assert!(!refused.err().unwrap().to_string().contains("s3cret"), "{body}");
        }
    }
}
