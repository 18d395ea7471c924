//! What holds for every text and every tree.

use adept_odata::{
    CompareOp, Filter, Function, Kind, Literal, MAX_TEXT, parse_expand, parse_filter, parse_orderby,
    parse_query_string, parse_select, with_skiptoken,
};
use proptest::prelude::*;

use crate::fixture::{Field, Fixture, PROPERTIES, Record};

/// A stream of choices; when it has run dry every choice is the first one.
struct Choices<'a>(std::slice::Iter<'a, u16>);

impl Choices<'_> {
    fn number(&mut self) -> usize {
        self.0.next().copied().unwrap_or(0).into()
    }

    fn pick<'x, T>(&mut self, options: &'x [T]) -> &'x T {
        &options[self.number() % options.len()]
    }

    /// A field of the entity or of the collections that are being walked.
    fn field(&mut self, scopes: &[&str], fits: impl Fn(Kind) -> bool) -> (Field, Kind) {
        let options: Vec<_> = PROPERTIES
            .iter()
            .filter_map(|&(path, kind)| {
                let kind = match kind {
                    Kind::Collection(item) if scopes.contains(&path) => *item,
                    kind => kind,
                };
                let around = PROPERTIES.iter().filter(|(outer, kind)| {
                    matches!(kind, Kind::Collection(_)) && path.starts_with(&format!("{outer}/"))
                });
                let reachable = around.into_iter().all(|(outer, _)| scopes.contains(outer));
                (reachable && fits(kind)).then_some((Field(path), kind))
            })
            .collect();
        *self.pick(&options)
    }

    fn text(&mut self) -> String {
        let parts = ["", "a", "B", "'", " ", "ö", "%", "\\", "(", ",", "eq", "null", "\u{1F34E}", "''"];
        (0..self.number() % 5).map(|_| *self.pick(&parts)).collect()
    }

    fn literal(&mut self, kind: Kind) -> Literal {
        match kind {
            Kind::String => Literal::Text(self.text()),
            Kind::Boolean => Literal::Boolean(self.number().is_multiple_of(2)),
            Kind::Int32 | Kind::Int64 => {
                let number = i64::try_from(self.number() * 1_000_003 + self.number()).unwrap();
                Literal::Int(*self.pick(&[number, -number, i64::MIN, i64::MAX]))
            }
            Kind::DateTimeOffset => {
                let seconds = i64::try_from(self.number()).unwrap() * 4_814_000 - 62_167_219_200;
                let nanoseconds = *self.pick(&[0, 1, 500_000_000, 123_456_700, 999_999_999]);
                Literal::DateTime(jiff::Timestamp::new(seconds, nanoseconds).unwrap())
            }
            Kind::Guid => {
                let word = |number: usize| u128::try_from(number).unwrap();
                let bits = word(self.number()) << 112 | word(self.number()) << 40 | word(self.number());
                Literal::Guid(uuid::Uuid::from_u128(bits))
            }
            Kind::Enum(enumeration) => {
                let ordinal = self.number() % enumeration.members.len();
                Literal::Enum { member: enumeration.members[ordinal], ordinal }
            }
            Kind::Complex(_) | Kind::Collection(_) => unreachable!("not a primitive kind"),
        }
    }

    fn filter(&mut self, depth: usize, scopes: &mut Vec<&'static str>) -> Filter<Field> {
        let primitive = |kind: Kind| !matches!(kind, Kind::Complex(_) | Kind::Collection(_));
        let branches = if depth == 0 { 6 } else { 11 };
        match self.number() % branches {
            0 | 1 => {
                let (field, kind) = self.field(scopes, primitive);
                let ops = [
                    CompareOp::Eq,
                    CompareOp::Ne,
                    CompareOp::Gt,
                    CompareOp::Ge,
                    CompareOp::Lt,
                    CompareOp::Le,
                ];
                Filter::Compare { field, op: *self.pick(&ops), value: self.literal(kind) }
            }
            2 => Filter::IsNull(self.field(scopes, primitive).0),
            3 => {
                let (field, kind) = self.field(scopes, primitive);
                let values = (0..=self.number() % 3).map(|_| self.literal(kind)).collect();
                Filter::In { field, values }
            }
            4 => {
                let function = *self.pick(&[Function::Contains, Function::StartsWith, Function::EndsWith]);
                Filter::Call {
                    function,
                    field: self.field(scopes, |kind| kind == Kind::String).0,
                    text: self.text(),
                }
            }
            5 => Filter::Constant(self.number().is_multiple_of(2)),
            6 => self.filter(depth - 1, scopes).not(),
            7 => {
                let first = self.filter(depth - 1, scopes);
                first.and(self.filter(depth - 1, scopes))
            }
            8 => {
                let first = self.filter(depth - 1, scopes);
                first.or(self.filter(depth - 1, scopes))
            }
            // Four collections can be walked at once, none of them twice.
            _ if scopes.len() == 4 => Filter::Constant(true),
            _ => {
                let (collection, _) = self.field(scopes, |kind| matches!(kind, Kind::Collection(_)));
                scopes.push(collection.0);
                let predicate = Box::new(self.filter(depth - 1, scopes));
                scopes.pop();
                match self.number() % 2 {
                    0 => Filter::Any { collection, predicate },
                    _ => Filter::All { collection, predicate },
                }
            }
        }
    }

    fn row(&mut self, depth: usize) -> Record {
        let mut row = Record::default();
        for &(path, kind) in PROPERTIES {
            let kind = match kind {
                Kind::Collection(item) => *item,
                kind => kind,
            };
            if !matches!(kind, Kind::Complex(_)) && !self.number().is_multiple_of(3) {
                row = row.with(path, self.literal(kind));
            }
        }
        if depth > 0 {
            for path in ["roleScopeTagIds", "resources", "resources/modifiedProperties"] {
                let items = (0..self.number() % 3).map(|_| self.row(depth - 1)).collect();
                row = row.items(path, items);
            }
        }
        row
    }
}

fn tree(choices: &[u16]) -> Filter<Field> {
    let mut choices = Choices(choices.iter());
    choices.filter(6, &mut Vec::new())
}

fn choices() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..200)
}

/// Pieces of queries, so that random texts get past the first token.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "id",
        "serialNumber",
        "isDeleted",
        "size",
        "resources",
        "roleScopeTagIds",
        "r",
        "r/displayName",
        "eq",
        "ne",
        "gt",
        "and",
        "or",
        "not",
        "in",
        "any(",
        "all(",
        "r:",
        "(",
        ")",
        ",",
        "/",
        "'a'",
        "'it''s'",
        "'",
        "5",
        "-1",
        "null",
        "true",
        "false",
        "contains(",
        "tolower(",
        "2026-01-31T08:00:00Z",
        "deadbeef-0000-4000-8000-00000000000a",
        "discoverySource",
        "'adminImport'",
        "correlationId",
        "activityDateTime",
        "é",
        "$",
        "=",
        ";",
        "$select=",
        "%27",
        "*",
        "desc",
        " ",
        " ",
        " ",
    ]);
    prop::collection::vec(fragment, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_parses_to_itself(choices in choices()) {
        let tree = tree(&choices);
        let text = tree.to_string();
        prop_assume!(text.len() <= MAX_TEXT);
        prop_assert_eq!(parse_filter(&text, &Fixture), Ok(tree), "{}", text);
    }

    #[test]
    fn whatever_is_read_prints_as_the_same(text in fragments()) {
        if let Ok(tree) = parse_filter(&text, &Fixture) {
            let printed = tree.to_string();
            prop_assert_eq!(parse_filter(&printed, &Fixture), Ok(tree), "{} from {}", printed, text);
        }
    }

    #[test]
    fn negation_and_text_do_not_change_what_a_filter_means(choices in choices(), row in choices()) {
        let tree = tree(&choices);
        let row = Choices(row.iter()).row(2);
        let meaning = tree.matches(&row);
        prop_assert_eq!(Filter::Not(Box::new(tree.clone())).matches(&row), !meaning);
        prop_assert_eq!(tree.clone().not().matches(&row), !meaning);
        if let Ok(read) = parse_filter(&tree.to_string(), &Fixture) {
            prop_assert_eq!(read.matches(&row), meaning);
        }
    }

    #[test]
    fn no_text_breaks_a_parser(text in prop_oneof![fragments(), any::<String>(), ".{0,300}"]) {
        let errors = [
            parse_filter(&text, &Fixture).err(),
            parse_orderby(&text, &Fixture).err(),
            parse_select(&text, &Fixture).err(),
            parse_expand(&text).err(),
            parse_query_string(&text).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(error.position <= text.len());
            prop_assert!(error.to_string().len() < 800);
        }
    }

    #[test]
    fn a_next_page_has_the_same_options_and_its_token(text in fragments(), token in any::<String>()) {
        prop_assume!(!token.contains('\0'));
        let raw = format!("$filter={text}&$top=3&$skiptoken=old&$skip=1");
        if let Ok(options) = parse_query_string(&raw) {
            let next = parse_query_string(&with_skiptoken(&raw, &token)).unwrap();
            prop_assert_eq!(next.skiptoken.as_deref(), Some(token.as_str()));
            prop_assert_eq!((next.filter, next.top, next.skip), (options.filter, options.top, None));
        }
    }
}
