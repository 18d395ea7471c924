//! Property paths in a `$filter`, and the lambdas that walk collections.

use super::{
    Parser, Power,
    operand::{Operand, Property},
};
use crate::{
    error::{ParseError, Problem},
    filter::Filter,
    lexer::Token,
    schema::{Kind, resolve},
};

impl<'t, F: Clone> Parser<'t, '_, F> {
    /// A property path or a lambda variable, its first name passed; `any` and `all` before a `(` end it.
    pub(super) fn property(&mut self, first: &'t str, at: usize) -> Result<Operand<'t, F>, ParseError> {
        let variable = self.variables.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(first));
        let mut path = variable.map_or_else(|| vec![first], |(_, collection)| collection.clone());
        let inside = if variable.is_some() { path.len() } else { 0 };
        while self.cursor.take(Token::Slash)? {
            self.cursor.push(&mut path, "the name of a property, 'any' or 'all'")?;
            let word = path.last().copied().unwrap_or_default();
            let all = word.eq_ignore_ascii_case("all");
            if self.cursor.token == Token::Open && (all || word.eq_ignore_ascii_case("any")) {
                path.pop();
                return self.lambda(path, inside, all, at);
            }
        }
        let written = self.cursor.since(at);
        let (field, kind) = self.resolve(&path, inside, at)?;
        let kind = match kind {
            Kind::Collection(item) if path.len() == inside => *item,
            kind => kind,
        };
        Ok(Operand::Property(Property { field, kind, written, at }))
    }

    /// `any(x:…)`, the word passed and `(` ahead.
    fn lambda(
        &mut self,
        path: Vec<&'t str>,
        inside: usize,
        all: bool,
        at: usize,
    ) -> Result<Operand<'t, F>, ParseError> {
        let misused = |sentence| ParseError::new(at, Problem::Misused(sentence));
        let (collection, kind) = self.resolve(&path, inside, at)?;
        if path.len() == inside || !matches!(kind, Kind::Collection(_)) {
            return Err(misused(format!(
                "'{}' is not a collection: 'any' and 'all' need one.",
                path.join("/")
            )));
        }
        self.cursor.advance()?;
        if !all && self.cursor.take(Token::Close)? {
            let predicate = Box::new(Filter::Constant(true));
            return Ok(Operand::Condition(Filter::Any { collection, predicate }));
        }
        let name = self.cursor.word("the name of a lambda variable")?;
        // The tree names fields, not variables, so one collection cannot be walked by two variables at once.
        if self.variables.iter().any(|(other, walked)| {
            other.eq_ignore_ascii_case(name) || walked.join("/").eq_ignore_ascii_case(&path.join("/"))
        }) {
            return Err(misused(format!(
                "The variable '{name}' or its collection is already in use around it."
            )));
        }
        self.cursor.expect(Token::Colon, "':' after the lambda variable")?;
        self.variables.push((name, path));
        let predicate = Box::new(self.nested(|parser| parser.condition(Power::OR))?);
        self.variables.pop();
        self.cursor.expect(Token::Close, "an operator or ')'")?;
        Ok(Operand::Condition(if all {
            Filter::All { collection, predicate }
        } else {
            Filter::Any { collection, predicate }
        }))
    }

    /// Looks a path up whose first `inside` names belong to a lambda variable. No other collection may be passed through.
    fn resolve(&self, path: &[&str], inside: usize, at: usize) -> Result<(F, Kind), ParseError> {
        let found = resolve(self.schema, path).map_err(|problem| ParseError::new(at, problem))?;
        for length in inside + 1..path.len() {
            if let Some((_, Kind::Collection(_))) = self.schema.field(&path[..length]) {
                let name = path[..length].join("/");
                let sentence = format!("'{name}' is a collection: use {name}/any(…) or {name}/all(…).");
                return Err(ParseError::new(at, Problem::Misused(sentence)));
            }
        }
        Ok(found)
    }
}
