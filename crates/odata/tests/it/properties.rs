//! What holds for every text and every tree.

use adept_odata::{
    ArithmeticOp, CompareOp, Expr, Function, Kind, Literal, MAX_TEXT, parse_expand, parse_filter,
    parse_orderby, parse_query_string, parse_select, with_skiptoken,
};
use proptest::prelude::*;

use crate::fixture::{DERIVED, Field, Fixture, NOW, PROPERTIES, Record, special};

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
            Kind::Date => {
                let day = i8::try_from(1 + self.number() % 28).unwrap();
                Literal::Date(jiff::civil::date(i16::try_from(self.number() % 10_000).unwrap(), 2, day))
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

    /// A value of this kind that is not a literal: a field, or something made of others.
    fn expr(&mut self, kind: Kind, depth: usize, scopes: &mut Vec<&'static str>) -> Expr<Field> {
        let number = matches!(kind, Kind::Int32 | Kind::Int64);
        let makes = |function: &Function| match kind {
            Kind::Int32 | Kind::Int64 => function.result() == Kind::Int32,
            kind => function.result() == kind,
        };
        let functions: Vec<_> = Function::ALL.into_iter().filter(makes).collect();
        match self.number() % 4 {
            0 if depth > 0 && !functions.is_empty() => {
                let function = *self.pick(&functions);
                let parameters = function.parameters();
                let given = function.least() + self.number() % (parameters.len() - function.least() + 1);
                let arguments = parameters[..given].iter();
                let arguments = arguments.map(|kind| self.operand(*kind, depth - 1, scopes)).collect();
                Expr::Call(function, arguments)
            }
            1 if depth > 0 && number => match self.number() % 3 {
                0 => Expr::Negate(Box::new(self.small(depth - 1, scopes))),
                _ => {
                    let op = *self.pick(&ArithmeticOp::ALL);
                    let left = Box::new(self.small(depth - 1, scopes));
                    Expr::Arithmetic(op, left, Box::new(Expr::Literal(self.small_literal())))
                }
            },
            // Four collections are all there are.
            2 if number && scopes.len() < 4 => {
                let (collection, _) = self.field(scopes, |kind| matches!(kind, Kind::Collection(_)));
                match PROPERTIES.iter().find(|(path, _)| *path == collection.0) {
                    // Inside a collection of primitives its own field is an item.
                    Some(_) if scopes.contains(&collection.0) => Expr::Count(Field("resources")),
                    _ => Expr::Count(collection),
                }
            }
            3 if kind == Kind::Int32 => {
                let (cast, path, _) = DERIVED[0];
                Expr::Cast(special(cast).unwrap(), Field(path))
            }
            _ if kind == Kind::Date => {
                let time = self.field(scopes, |kind| kind == Kind::DateTimeOffset).0;
                Expr::Call(Function::Date, vec![Expr::Field(time)])
            }
            _ => Expr::Field(self.field(scopes, |own| own == kind).0),
        }
    }

    /// The same or a literal.
    fn operand(&mut self, kind: Kind, depth: usize, scopes: &mut Vec<&'static str>) -> Expr<Field> {
        if !self.number().is_multiple_of(3) {
            return self.expr(kind, depth, scopes);
        }
        if kind == Kind::Int32 {
            Expr::Literal(self.small_literal())
        } else {
            Expr::Literal(self.literal(kind))
        }
    }

    /// A number so small that what is made of it fits.
    fn small(&mut self, depth: usize, scopes: &mut Vec<&'static str>) -> Expr<Field> {
        let inner = self.expr(Kind::Int32, 0, scopes);
        if depth == 0 || self.number().is_multiple_of(2) {
            return inner;
        }
        Expr::Call(Function::Length, vec![self.operand(Kind::String, depth - 1, scopes)])
    }

    fn small_literal(&mut self) -> Literal {
        Literal::Int(i64::try_from(self.number() % 20).unwrap() - 5)
    }

    fn filter(&mut self, depth: usize, scopes: &mut Vec<&'static str>) -> Expr<Field> {
        let primitive = |kind: Kind| !matches!(kind, Kind::Complex(_) | Kind::Collection(_));
        let kinds = [Kind::String, Kind::Int32, Kind::DateTimeOffset, Kind::Date, Kind::Boolean];
        let branches = if depth == 0 { 8 } else { 13 };
        match self.number() % branches {
            0 | 1 => {
                let (field, kind) = self.field(scopes, primitive);
                Expr::compare(field, *self.pick(&CompareOp::ALL), self.literal(kind))
            }
            2 => {
                let null = Box::new(Expr::Null);
                let op = *self.pick(&[CompareOp::Eq, CompareOp::Ne]);
                let any = |kind: Kind| !matches!(kind, Kind::Collection(_));
                Expr::Compare(op, Box::new(Expr::Field(self.field(scopes, any).0)), null)
            }
            3 => {
                let (field, kind) = self.field(scopes, primitive);
                let values = (0..=self.number() % 3).map(|_| self.literal(kind)).collect();
                Expr::In(Box::new(Expr::Field(field)), values)
            }
            4 => {
                let kind = *self.pick(&kinds);
                let left = Box::new(self.expr(kind, depth.min(3), scopes));
                let right = self.operand(kind, depth.min(3), scopes);
                Expr::Compare(*self.pick(&CompareOp::ALL), left, Box::new(right))
            }
            5 => self.expr(Kind::Boolean, depth.min(3), scopes),
            6 => {
                let inside = scopes.contains(&"resources") && self.number().is_multiple_of(2);
                Expr::IsOf(special(DERIVED[usize::from(inside)].0).unwrap())
            }
            7 => Expr::constant(self.number().is_multiple_of(2)),
            8 => self.filter(depth - 1, scopes).negated(),
            9 => {
                let first = self.filter(depth - 1, scopes);
                first.and(self.filter(depth - 1, scopes))
            }
            10 => {
                let first = self.filter(depth - 1, scopes);
                first.or(self.filter(depth - 1, scopes))
            }
            // Four collections can be walked at once, none of them twice.
            _ if scopes.len() == 4 => Expr::constant(true),
            _ => {
                let (collection, _) = self.field(scopes, |kind| matches!(kind, Kind::Collection(_)));
                scopes.push(collection.0);
                let predicate = Box::new(self.filter(depth - 1, scopes));
                scopes.pop();
                match self.number() % 2 {
                    0 => Expr::Any(collection, predicate),
                    _ => Expr::All(collection, predicate),
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

fn tree(choices: &[u16]) -> Expr<Field> {
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
        "length(",
        "substring(",
        "concat(",
        "year(",
        "date(",
        "now()",
        "isof('microsoft.graph.special')",
        "microsoft.graph.special/extra",
        "/$count",
        "$it/",
        "add",
        "mod",
        "-",
        "2.5",
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
        prop_assert_eq!(parse_filter(&text, &Fixture, NOW), Ok(tree), "{}", text);
    }

    #[test]
    fn whatever_is_read_prints_as_the_same(text in fragments()) {
        if let Ok(tree) = parse_filter(&text, &Fixture, NOW) {
            let printed = tree.to_string();
            prop_assert_eq!(parse_filter(&printed, &Fixture, NOW), Ok(tree), "{} from {}", printed, text);
        }
    }

    #[test]
    fn a_printed_tree_means_the_same(choices in choices(), row in choices()) {
        let tree = tree(&choices);
        let row = Choices(row.iter()).row(2);
        if let Ok(read) = parse_filter(&tree.to_string(), &Fixture, NOW) {
            prop_assert_eq!(read.value(&row), tree.value(&row));
        }
    }

    #[test]
    fn what_is_true_is_false_when_negated_and_null_stays_null(choices in choices(), row in choices()) {
        let tree = tree(&choices);
        let row = Choices(row.iter()).row(2);
        let opposite = match tree.value(&row) {
            Some(Literal::Boolean(value)) => Some(Literal::Boolean(!value)),
            null => { prop_assert_eq!(&null, &None); null }
        };
        prop_assert_eq!(Expr::Not(Box::new(tree.clone())).value(&row), opposite.clone());
        prop_assert_eq!(tree.negated().value(&row), opposite);
    }

    #[test]
    fn no_text_breaks_a_parser(text in prop_oneof![fragments(), any::<String>(), ".{0,300}"]) {
        let errors = [
            parse_filter(&text, &Fixture, NOW).err(),
            parse_orderby(&text, &Fixture, NOW).err(),
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
