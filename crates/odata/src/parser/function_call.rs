//! Functions in a `$filter`. Case conversions vanish, because text is compared without case anyway.

use super::{
    Parser, Power,
    operand::{Operand, Property, Written},
};
use crate::{
    error::{ParseError, Problem, shortened},
    filter::{Filter, Function},
    lexer::Token,
    literal::unescaped,
    schema::Kind,
};

impl<'t, F: Clone> Parser<'t, '_, F> {
    /// A function, its name passed and `(` ahead.
    pub(super) fn call(&mut self, name: &'t str, at: usize) -> Result<Operand<'t, F>, ParseError> {
        let fold = ["tolower", "toupper"].iter().any(|fold| fold.eq_ignore_ascii_case(name));
        let function = [Function::Contains, Function::StartsWith, Function::EndsWith]
            .into_iter()
            .find(|function| function.name().eq_ignore_ascii_case(name));
        if !fold && function.is_none() {
            let sentence = format!(
                "The function '{}' is not supported; contains, startswith, endswith, tolower and toupper are.",
                shortened(name)
            );
            return Err(ParseError::new(at, Problem::Unsupported(sentence)));
        }
        self.cursor.advance()?;
        let first_at = self.cursor.at;
        let first = self.nested(|parser| parser.expression(Power::OPERAND))?;
        let Some(function) = function else {
            if !first.is_text() {
                return Err(self
                    .cursor
                    .fail_at(first_at, "a property of type 'Edm.String' or a quoted text"));
            }
            self.cursor.expect(Token::Close, "')'")?;
            return Ok(first);
        };
        let Operand::Property(Property { field, kind: Kind::String, .. }) = first else {
            return Err(self.cursor.fail_at(first_at, "a property of type 'Edm.String'"));
        };
        self.cursor.expect(Token::Comma, "','")?;
        let second_at = self.cursor.at;
        let second = self.nested(|parser| parser.expression(Power::OPERAND))?;
        let Operand::Literal(Written { token: Token::Text(text), .. }) = second else {
            return Err(self.cursor.fail_at(second_at, "a quoted text"));
        };
        self.cursor.expect(Token::Close, "')'")?;
        Ok(Operand::Condition(Filter::Call { function, field, text: unescaped(text) }))
    }
}
