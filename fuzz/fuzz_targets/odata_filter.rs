//! `$filter`, `$orderby` and `$select`: no text breaks them, and whatever is read prints as itself.
#![no_main]

use std::fmt;

use adept_odata::{EnumType, Kind, MAX_TEXT, Problem, Schema, parse_filter, parse_orderby, parse_select};
use libfuzzer_sys::fuzz_target;

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

struct Properties;

impl Schema<Field> for Properties {
    fn type_name(&self) -> &str {
        "microsoft.graph.fuzzed"
    }

    fn field(&self, path: &[&str]) -> Option<(Field, Kind)> {
        let joined = path.join("/");
        let (name, kind) = PROPERTIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&joined))?;
        Some((Field(name), *kind))
    }
}

fuzz_target!(|text: &str| {
    let _ = parse_orderby(text, &Properties).map_err(|error| error.to_string());
    let _ = parse_select(text, &Properties).map_err(|error| error.to_string());
    match parse_filter(text, &Properties) {
        Err(error) => assert!(error.to_string().len() < 800),
        Ok(tree) => {
            let printed = tree.to_string();
            match parse_filter(&printed, &Properties) {
                Ok(again) => assert_eq!(again, tree),
                // The canonical text may be a little longer and have parentheses where the original had none.
                Err(error) => {
                    assert!(printed.len() > MAX_TEXT || matches!(error.problem, Problem::TooDeep { .. }))
                }
            }
        }
    }
});
