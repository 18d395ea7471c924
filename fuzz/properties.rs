//! What must hold of any query text: what the fuzz targets ask of the parsers of crate `adept-odata`, and the test that
//! replays their seeds. Each answers whether the text was understood.

use std::fmt;

use adept_odata::{
    EnumType, IsOf, Kind, Literal, MAX_TEXT, Problem, Schema, TypeTest, parse_expand, parse_filter,
    parse_orderby, parse_query_string, parse_select, with_skiptoken,
};
use jiff::Timestamp;

/// A property of [`Properties`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Field(&'static str);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

static SOURCE: EnumType =
    EnumType { name: "microsoft.graph.discoverySource", members: &["unknown", "adminImport"] };
static STRING: Kind = Kind::String;
static COMPLEX: Kind = Kind::Complex("microsoft.graph.auditResource");
static PROPERTIES: &[(&str, Kind)] = &[
    ("s", Kind::String),
    ("b", Kind::Boolean),
    ("n", Kind::Int32),
    ("d", Kind::DateTimeOffset),
    ("g", Kind::Guid),
    ("e", Kind::Enum(&SOURCE)),
    ("t", Kind::Collection(&STRING)),
    ("c", Kind::Collection(&COMPLEX)),
    ("c/s", Kind::String),
    ("c/t", Kind::Collection(&STRING)),
];

/// What `now()` says.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// A type with a property of each kind, and a derived one with the property `x`.
struct Properties;

impl Schema<Field> for Properties {
    fn type_name(&self) -> &str {
        "microsoft.graph.fuzzed"
    }

    fn field(&self, path: &[&str]) -> Option<(Field, Kind)> {
        if let [cast, name] = path
            && cast.eq_ignore_ascii_case("microsoft.graph.derived")
        {
            return name.eq_ignore_ascii_case("x").then_some((Field("x"), Kind::Int32));
        }
        let joined = path.join("/");
        let (name, kind) = PROPERTIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&joined))?;
        Some((Field(name), *kind))
    }

    fn is_of(&self, path: &[&str], type_name: &str) -> IsOf<Field> {
        let known = path.is_empty() && type_name.eq_ignore_ascii_case("microsoft.graph.derived");
        let type_name = "microsoft.graph.derived";
        let values = vec![Literal::Enum { member: "unknown", ordinal: 0 }];
        if known { IsOf::Depends(TypeTest { type_name, field: Field("e"), values }) } else { IsOf::Unknown }
    }
}

/// Whatever is read prints as itself, and a refusal is a sentence.
pub fn filter(text: &str) -> bool {
    match parse_filter(text, &Properties, NOW) {
        Err(error) => {
            assert!(error.to_string().len() < 800);
            false
        }
        Ok(tree) => {
            let printed = tree.to_string();
            match parse_filter(&printed, &Properties, NOW) {
                Ok(again) => assert_eq!(again, tree),
                // The canonical text may be a little longer and have parentheses where the original had none.
                Err(error) => {
                    assert!(printed.len() > MAX_TEXT || matches!(error.problem, Problem::TooDeep { .. }));
                }
            }
            true
        }
    }
}

/// An order names each property once and no more than eight; what is selected is read of the same text.
pub fn orderby(text: &str) -> bool {
    let _ = parse_select(text, &Properties).map_err(|error| assert!(error.to_string().len() < 800));
    match parse_orderby(text, &Properties, NOW) {
        Err(error) => {
            assert!(error.to_string().len() < 800);
            false
        }
        Ok(order) => {
            assert!((1..=8).contains(&order.len()));
            for (index, one) in order.iter().enumerate() {
                assert!(order[..index].iter().all(|other| other.by != one.by));
            }
            let say = |down| if down { " desc" } else { "" };
            let printed: Vec<_> = order.iter().map(|o| format!("{}{}", o.by, say(o.descending))).collect();
            assert!(parse_orderby(&printed.join(","), &Properties, NOW).is_ok_and(|again| again == order));
            true
        }
    }
}

/// A raw query string keeps its options on the next page, and `$expand` is read to the innermost one.
pub fn query(raw: &str) -> bool {
    expand(raw);
    let Ok(options) = parse_query_string(raw) else { return false };
    expand(options.expand.as_deref().unwrap_or_default());
    if let Ok(next) = parse_query_string(&with_skiptoken(raw, "next")) {
        assert_eq!(next.skiptoken.as_deref(), Some("next"));
        assert_eq!((next.filter, next.top, next.skip), (options.filter, options.top, None));
    }
    true
}

fn expand(text: &str) {
    for item in parse_expand(text).unwrap_or_default() {
        if let Some(inner) = item.options.expand {
            assert!(inner.len() < text.len());
            expand(&inner);
        }
    }
}
