//! What stands on either side of an operator, and what comparing two of them means. It reads no text.

use crate::{
    error::{ParseError, Problem, shortened},
    filter::{CompareOp, Filter},
    lexer::Token,
    literal::{Literal, boolean},
    schema::{EnumType, Kind},
};

pub(super) enum Operand<'t, F> {
    Property(Property<'t, F>),
    Literal(Written<'t>),
    Condition(Filter<F>),
}

pub(super) struct Property<'t, F> {
    pub(super) field: F,
    pub(super) kind: Kind,
    pub(super) written: &'t str,
    pub(super) at: usize,
}

/// A literal whose kind is not known yet.
#[derive(Clone, Copy)]
pub(super) struct Written<'t> {
    pub(super) token: Token<'t>,
    pub(super) written: &'t str,
    pub(super) at: usize,
}

impl<F> Operand<'_, F> {
    /// A bare boolean stands for `eq true`. `None` for what is neither true nor false.
    pub(super) fn into_condition(self) -> Option<Filter<F>> {
        match self {
            Self::Condition(condition) => Some(condition),
            Self::Literal(literal) => boolean(literal.token).map(Filter::Constant),
            Self::Property(Property { field, kind: Kind::Boolean, .. }) => {
                Some(Filter::Compare { field, op: CompareOp::Eq, value: Literal::Boolean(true) })
            }
            Self::Property(_) => None,
        }
    }

    /// Whether `tolower` may be put around it.
    pub(super) fn is_text(&self) -> bool {
        match self {
            Self::Property(property) => property.kind == Kind::String,
            Self::Literal(literal) => matches!(literal.token, Token::Text(_)),
            Self::Condition(_) => false,
        }
    }

    /// `at` is where the operator stands.
    pub(super) fn compare(self, op: CompareOp, right: Self, at: usize) -> Result<Filter<F>, ParseError> {
        let unsupported = |sentence| Err(ParseError::new(at, Problem::Unsupported(sentence)));
        match (self, right) {
            (Self::Property(property), Self::Literal(literal)) => property.compare(op, literal),
            (Self::Literal(literal), Self::Property(property)) => property.compare(op.flipped(), literal),
            (Self::Condition(condition), Self::Literal(literal))
            | (Self::Literal(literal), Self::Condition(condition)) => match (op, boolean(literal.token)) {
                (CompareOp::Eq, Some(true)) | (CompareOp::Ne, Some(false)) => Ok(condition),
                (CompareOp::Eq, Some(false)) | (CompareOp::Ne, Some(true)) => Ok(condition.not()),
                _ => unsupported(format!(
                    "A condition can only be compared by eq or ne with true or false, not with {}.",
                    shortened(literal.written)
                )),
            },
            (Self::Property(left), Self::Property(right)) => unsupported(format!(
                "Comparing two properties ('{}' and '{}') is not supported.",
                shortened(left.written),
                shortened(right.written)
            )),
            _ => unsupported(format!(
                "One side of '{}' has to be a property and the other a literal.",
                op.name()
            )),
        }
    }
}

impl<F> Property<'_, F> {
    /// Comparing with null asks whether there is a value; nothing is greater or less than null.
    fn compare(self, op: CompareOp, literal: Written<'_>) -> Result<Filter<F>, ParseError> {
        self.check_primitive()?;
        if !literal.token.is("null") {
            let value = self.read(literal)?;
            return Ok(Filter::Compare { field: self.field, op, value });
        }
        Ok(match op {
            CompareOp::Eq => Filter::IsNull(self.field),
            CompareOp::Ne => Filter::IsNull(self.field).not(),
            CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => Filter::Constant(false),
        })
    }

    /// `in` the list; a null in it is a question of its own beside the others.
    pub(super) fn within(self, list: &[Written<'_>]) -> Result<Filter<F>, ParseError>
    where
        F: Clone,
    {
        let values: Vec<Literal> = list
            .iter()
            .filter(|literal| !literal.token.is("null"))
            .map(|literal| self.read(*literal))
            .collect::<Result<_, _>>()?;
        if values.is_empty() {
            return Ok(Filter::IsNull(self.field));
        }
        if values.len() == list.len() {
            return Ok(Filter::In { field: self.field, values });
        }
        Ok(Filter::In { field: self.field.clone(), values }.or(Filter::IsNull(self.field)))
    }

    pub(super) fn check_primitive(&self) -> Result<(), ParseError> {
        let advice = match self.kind {
            Kind::Collection(_) => "use any(…) or all(…)",
            Kind::Complex(_) => "compare one of its members",
            _ => return Ok(()),
        };
        let name = shortened(self.written);
        let sentence = format!("'{name}' of type '{}' cannot be compared: {advice}.", self.kind);
        Err(ParseError::new(self.at, Problem::Misused(sentence)))
    }

    fn read(&self, literal: Written<'_>) -> Result<Literal, ParseError> {
        Literal::read(literal.token, self.kind)
            .ok_or_else(|| ParseError::new(literal.at, self.mismatch(literal)))
    }

    fn mismatch(&self, literal: Written<'_>) -> Problem {
        let written = shortened(literal.written);
        match (self.kind, literal.token) {
            (Kind::Enum(enumeration), token) if names_member(enumeration, token) => Problem::UnknownMember {
                literal: written,
                type_name: enumeration.name,
                members: enumeration.members,
            },
            _ => Problem::WrongType {
                property: shortened(self.written),
                expected: self.kind.to_string(),
                literal: written,
            },
        }
    }
}

/// Whether the token has the form of a member of this enum, known or not.
fn names_member(enumeration: &EnumType, token: Token<'_>) -> bool {
    match token {
        Token::Text(_) => true,
        Token::Typed(name, _) => enumeration.is_called(name),
        _ => false,
    }
}
