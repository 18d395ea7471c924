//! OData 4 query text into checked trees.
//!
//! It is not an OData server: no SQL, no HTTP, no I/O. It is generic over the caller's field type: a [`Schema`] maps
//! property names to fields and kinds, and an [`Expr`] then holds only fields that exist and operands that fit them.
//!
//! Every parser works in one pass over a bounded text, nests at most [`MAX_DEPTH`] levels and makes at most [`MAX_TERMS`]
//! terms, so hostile text costs no more than friendly text.

mod cursor;
mod error;
mod expand;
mod expr;
pub mod grammar;
mod lexer;
mod literal;
mod orderby;
mod parser;
mod query_string;
mod schema;
mod select;

pub use error::{ParseError, Problem};
pub use expand::{Expand, Levels, parse_expand};
pub use expr::{ArithmeticOp, CompareOp, Expr, Function, Row, TypeTest};
pub use literal::Literal;
pub use orderby::{OrderBy, parse_orderby};
pub use parser::parse_filter;
pub use query_string::{QueryOptions, parse_query_string, with_skiptoken};
pub use schema::{EnumType, IsOf, Kind, Schema};
pub use select::{Select, parse_select};

/// The longest text of one query option, in bytes after percent-decoding.
pub const MAX_TEXT: usize = 4096;
/// The longest query string, in bytes as sent.
pub const MAX_QUERY: usize = 16 * 1024;
/// How deep parentheses, function arguments and lambdas may nest.
pub const MAX_DEPTH: usize = 32;
/// How many operands and list values one filter may hold.
pub const MAX_TERMS: usize = 1000;
/// How many names a property path may hold, lambda variables resolved.
pub const MAX_PATH: usize = 8;
