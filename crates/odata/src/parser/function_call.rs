//! Functions. Case conversions vanish, because text is compared without case anyway; times that the text alone decides
//! become literals.

use super::{
    Parser, Power,
    operand::{Operand, Typed, Written},
    refused,
};
use crate::{
    error::{ParseError, Problem, shortened},
    expr::{Expr, Function},
    lexer::Token,
    literal::{LATEST, YEAR_ONE, unescaped},
    schema::{IsOf, Kind},
};

impl<'t, F: Clone> Parser<'t, '_, F> {
    /// A function, its name passed and `(` ahead.
    pub(super) fn call(&mut self, name: &'t str, at: usize) -> Result<Operand<'t, F>, ParseError> {
        let is = |word: &str| word.eq_ignore_ascii_case(name);
        if is("isof") {
            return self.is_of(at);
        }
        if is("tolower") || is("toupper") {
            let mut arguments = self.arguments(&[Kind::String], 1)?;
            let text = arguments.pop().unwrap_or(Expr::Null);
            return Ok(Operand::Typed(self.typed(text, Kind::String, at)));
        }
        let moments = [("now", self.now), ("mindatetime", YEAR_ONE), ("maxdatetime", LATEST)];
        if let Some((_, moment)) = moments.into_iter().find(|(word, _)| is(word)) {
            self.arguments(&[], 0)?;
            return Ok(Operand::Typed(self.typed(Written::moment(moment), Kind::DateTimeOffset, at)));
        }
        let Some(function) = Function::ALL.into_iter().find(|function| is(function.name())) else {
            return Err(refused::function(name, at));
        };
        let arguments = self.arguments(function.parameters(), function.least())?;
        Ok(Operand::Typed(self.typed(Expr::Call(function, arguments), function.result(), at)))
    }

    /// `(a,b)`, each of the kind that belongs there.
    fn arguments(&mut self, kinds: &[Kind], least: usize) -> Result<Vec<Expr<F>>, ParseError> {
        self.cursor.expect(Token::Open, "'('")?;
        let mut arguments = Vec::new();
        while let Some(kind) = kinds.get(arguments.len()) {
            if arguments.len() >= least && self.cursor.token == Token::Close {
                break;
            }
            if !arguments.is_empty() {
                self.cursor.expect(Token::Comma, "',' and another argument")?;
            }
            let at = self.cursor.at;
            let argument = self.nested(|parser| parser.expression(Power::OR))?;
            arguments.push(self.argument(argument, *kind, at)?);
        }
        self.cursor.expect(Token::Close, "')'")?;
        Ok(arguments)
    }

    fn argument(&self, operand: Operand<'t, F>, kind: Kind, at: usize) -> Result<Expr<F>, ParseError> {
        let wanted = match kind {
            Kind::String => "a property of type 'Edm.String' or a quoted text",
            Kind::DateTimeOffset => "a property of type 'Edm.DateTimeOffset' or a time",
            _ => "a whole number",
        };
        let fits = |typed: &Typed<'t, F>| match kind {
            Kind::Int32 => matches!(typed.kind, Kind::Int32 | Kind::Int64),
            kind => typed.kind == kind,
        };
        match operand {
            Operand::Typed(typed) if fits(&typed) => Ok(typed.expr),
            Operand::Literal(literal) if literal.token.is("null") => {
                Err(refused::null("as an argument of a function", at))
            }
            Operand::Literal(literal) => {
                literal.read(kind).map(Expr::Literal).map_err(|_| self.cursor.fail_at(at, wanted))
            }
            _ => Err(self.cursor.fail_at(at, wanted)),
        }
    }

    /// `('type')`, `(type)`, `(variable,type)` or `($it,type)`.
    fn is_of(&mut self, at: usize) -> Result<Operand<'t, F>, ParseError> {
        self.cursor.expect(Token::Open, "'('")?;
        let mut path = Vec::new();
        let mut type_name = self.type_name()?;
        if self.cursor.take(Token::Comma)? {
            let of = self.variables.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(&type_name));
            match of {
                Some((_, collection)) => path = collection.clone(),
                None if type_name.eq_ignore_ascii_case("$it") => {}
                None => {
                    let sentence =
                        "isof is supported of an entity and of a lambda variable alone.".to_owned();
                    return Err(ParseError::new(at, Problem::Unsupported(sentence)));
                }
            }
            type_name = self.type_name()?;
        }
        self.cursor.expect(Token::Close, "')'")?;
        let expr = match self.schema.is_of(&path, &type_name) {
            IsOf::Depends(test) => Expr::IsOf(test),
            IsOf::Fixed(value) => Expr::constant(value),
            IsOf::Unknown => return Err(unknown_type(&type_name, at)),
        };
        Ok(Operand::Typed(self.typed(expr, Kind::Boolean, at)))
    }

    fn type_name(&mut self) -> Result<String, ParseError> {
        match self.cursor.token {
            Token::Text(text) => {
                self.cursor.advance()?;
                Ok(unescaped(text))
            }
            _ => Ok(self.cursor.word("the name of a type")?.to_owned()),
        }
    }
}

/// The error for a type that the schema does not have.
pub(super) fn unknown_type(name: &str, at: usize) -> ParseError {
    let sentence = format!("There is no type named '{}' here.", shortened(name));
    ParseError::new(at, Problem::Misused(sentence))
}
