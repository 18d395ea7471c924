//! Property paths, casts in them, and the lambdas that walk collections.

use super::{Parser, Power, function_call::unknown_type, operand::Operand, refused};
use crate::{
    error::{ParseError, Problem},
    expr::Expr,
    lexer::Token,
    schema::{IsOf, Kind, resolve},
};

impl<'t, F: Clone> Parser<'t, '_, F> {
    /// A property path, a lambda variable or `$it`, its first name passed; `any` and `all` before a `(`, and `$count`, end
    /// it.
    pub(super) fn path(&mut self, first: &'t str, at: usize) -> Result<Operand<'t, F>, ParseError> {
        let variable = self.variables.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(first));
        let of_row = first.eq_ignore_ascii_case("$it");
        let mut path = match variable {
            Some((_, collection)) => collection.clone(),
            None if of_row => Vec::new(),
            None => {
                refused::path_start(first, at)?;
                vec![first]
            }
        };
        let inside = if variable.is_some() { path.len() } else { 0 };
        if of_row && self.cursor.token != Token::Slash {
            return Err(refused::segment(first, at));
        }
        while self.cursor.take(Token::Slash)? {
            self.cursor.push(&mut path, "the name of a property, 'any' or 'all'")?;
            let word = path.last().copied().unwrap_or_default();
            let all = word.eq_ignore_ascii_case("all");
            if self.cursor.token == Token::Open && (all || word.eq_ignore_ascii_case("any")) {
                path.pop();
                return self.lambda(path, inside, all, at);
            }
            if word.eq_ignore_ascii_case("$count") {
                path.pop();
                return self.count_of(&path, inside, at);
            }
            if word.starts_with(['$', '@']) {
                return Err(refused::segment(word, at));
            }
        }
        let (field, kind) = self.resolve(&path, inside, at)?;
        let kind = match kind {
            Kind::Collection(item) if path.len() == inside => *item,
            kind => kind,
        };
        let expr = match self.cast(&path, inside, at)? {
            None => Expr::Field(field),
            Some(IsOf::Depends(test)) => Expr::Cast(test, field),
            Some(_) => Expr::Field(field),
        };
        Ok(Operand::Typed(self.typed(expr, kind, at)))
    }

    /// `/$count` of a collection.
    fn count_of(&mut self, path: &[&str], inside: usize, at: usize) -> Result<Operand<'t, F>, ParseError> {
        if self.cursor.token == Token::Open {
            return Err(refused::segment("$count(…)", at));
        }
        let (collection, _) = self.collection(path, inside, "$count", at)?;
        Ok(Operand::Typed(self.typed(Expr::Count(collection), Kind::Int32, at)))
    }

    /// `any(x:…)`, the word passed and `(` ahead.
    fn lambda(
        &mut self,
        path: Vec<&'t str>,
        inside: usize,
        all: bool,
        at: usize,
    ) -> Result<Operand<'t, F>, ParseError> {
        let (collection, _) = self.collection(&path, inside, "any' and 'all", at)?;
        self.cursor.advance()?;
        if !all && self.cursor.take(Token::Close)? {
            let any = Expr::Any(collection, Box::new(Expr::constant(true)));
            return Ok(Operand::Typed(self.typed(any, Kind::Boolean, at)));
        }
        let name = self.cursor.word("the name of a lambda variable")?;
        // The tree names fields, not variables, so one collection cannot be walked by two variables at once.
        if self.variables.iter().any(|(other, walked)| {
            other.eq_ignore_ascii_case(name) || walked.join("/").eq_ignore_ascii_case(&path.join("/"))
        }) {
            let sentence = format!("The variable '{name}' or its collection is already in use around it.");
            return Err(ParseError::new(at, Problem::Misused(sentence)));
        }
        self.cursor.expect(Token::Colon, "':' after the lambda variable")?;
        self.variables.push((name, path));
        let predicate = Box::new(self.nested(|parser| parser.condition(Power::OR))?);
        self.variables.pop();
        self.cursor.expect(Token::Close, "an operator or ')'")?;
        let expr = if all { Expr::All(collection, predicate) } else { Expr::Any(collection, predicate) };
        Ok(Operand::Typed(self.typed(expr, Kind::Boolean, at)))
    }

    /// The collection that a path leads to; `user` is what needs one.
    fn collection(
        &self,
        path: &[&str],
        inside: usize,
        user: &str,
        at: usize,
    ) -> Result<(F, Kind), ParseError> {
        let found = self.resolve(path, inside, at)?;
        if path.len() == inside || !matches!(found.1, Kind::Collection(_)) {
            let need = if user.contains('\'') { "need" } else { "needs" };
            let sentence = format!("'{}' is not a collection: '{user}' {need} one.", path.join("/"));
            return Err(ParseError::new(at, Problem::Misused(sentence)));
        }
        if path.iter().any(|name| name.contains('.')) {
            return Err(refused::segment("a cast before a collection", at));
        }
        Ok(found)
    }

    /// What the cast in a path asks; none where there is no cast. It stands directly behind the row or the variable.
    fn cast(&self, path: &[&str], inside: usize, at: usize) -> Result<Option<IsOf<F>>, ParseError> {
        let Some(place) = path.iter().position(|name| name.contains('.')) else { return Ok(None) };
        if place != inside || path[place + 1..].iter().any(|name| name.contains('.')) {
            return Err(refused::segment(path[place], at));
        }
        match self.schema.is_of(&path[..place], path[place]) {
            IsOf::Unknown => Err(unknown_type(path[place], at)),
            known => Ok(Some(known)),
        }
    }

    /// Looks a path up whose first `inside` names belong to a lambda variable. No other collection may be passed through.
    fn resolve(&self, path: &[&str], inside: usize, at: usize) -> Result<(F, Kind), ParseError> {
        self.cast(path, inside, at)?;
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
