//! What a caller says about its properties: their names, kinds and enums. It holds no values.

use std::fmt;

use crate::{
    error::{Problem, shortened},
    expr::TypeTest,
};

/// The EDM kind of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Edm.String`, compared without ASCII case.
    String,
    /// `Edm.Boolean`; false is less than true.
    Boolean,
    /// `Edm.Int32`.
    Int32,
    /// `Edm.Int64`.
    Int64,
    /// `Edm.DateTimeOffset`.
    DateTimeOffset,
    /// `Edm.Date`, which the function `date` makes; no property is of it.
    Date,
    /// `Edm.Guid`.
    Guid,
    /// An enum, ordered as its members are listed.
    Enum(&'static EnumType),
    /// A complex value or a single entity with its type's qualified name. Its members are found by longer paths.
    Complex(&'static str),
    /// Many of a kind; filtered with `any` and `all`.
    Collection(&'static Kind),
}

impl Kind {
    /// The kind of each item of a collection; of anything else its own.
    pub fn item(self) -> Self {
        if let Self::Collection(item) = self { *item } else { self }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "Edm.String",
            Self::Boolean => "Edm.Boolean",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Date => "Edm.Date",
            Self::Guid => "Edm.Guid",
            Self::Enum(enumeration) => enumeration.name,
            Self::Complex(name) => name,
            Self::Collection(item) => return write!(f, "Collection({item})"),
        })
    }
}

/// An enum type.
#[derive(Debug, PartialEq, Eq)]
pub struct EnumType {
    /// The qualified name, such as `microsoft.graph.discoverySource`.
    pub name: &'static str,
    /// The members in ascending order of their numbers, in their canonical spelling.
    pub members: &'static [&'static str],
}

impl EnumType {
    /// The ordinal and canonical spelling of a member written in any ASCII case.
    pub fn member(&self, text: &str) -> Option<(usize, &'static str)> {
        let ordinal = self.members.iter().position(|member| member.eq_ignore_ascii_case(text))?;
        Some((ordinal, self.members[ordinal]))
    }

    /// Whether a prefix such as `microsoft.graph.platform`, `graph.platform` or `platform` means this enum.
    pub(crate) fn is_called(&self, written: &str) -> bool {
        let (namespace, name) = written.rsplit_once('.').unwrap_or(("", written));
        let own = self.name.rsplit_once('.').map_or(self.name, |(_, name)| name);
        name.eq_ignore_ascii_case(own)
            && ["", "graph", "microsoft.graph"].iter().any(|known| namespace.eq_ignore_ascii_case(known))
    }
}

/// The properties of one entity type.
pub trait Schema<F> {
    /// The qualified name of the type, such as `microsoft.graph.depOnboardingSetting`; it appears in errors.
    fn type_name(&self) -> &str;

    /// The field that a property path such as `["actor", "ipAddress"]` names, in any ASCII case, and its kind.
    ///
    /// Complex values and collections have fields of their own, besides those of their members: `["resources"]` is the
    /// collection, `["resources", "resourceId"]` a member of its items. A name with a dot is a derived type, whose
    /// properties follow: `["microsoft.graph.depIOSEnrollmentProfile", "zoomDisabled"]`.
    fn field(&self, path: &[&str]) -> Option<(F, Kind)>;

    /// The type of what a path leads to, or of each of its items where it leads to many. Also where the path has no field, because
    /// nothing can be compared with what is there; none where there is no such path.
    fn type_of(&self, path: &[&str]) -> Option<String> {
        let (_, kind) = self.field(path)?;
        Some(kind.item().to_string())
    }

    /// Being of the type of that name, in any ASCII case: of the row, or of what `path` leads to.
    fn is_of(&self, path: &[&str], type_name: &str) -> IsOf<F>;
}

/// What a schema knows of being of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IsOf<F> {
    /// There is no such type.
    Unknown,
    /// Always or never.
    Fixed(bool),
    /// It depends on the row.
    Depends(TypeTest<F>),
}

/// Looks a path up; the first name that leads nowhere is the one in the error.
pub(crate) fn resolve<F>(schema: &dyn Schema<F>, path: &[&str]) -> Result<(F, Kind), Problem> {
    if let Some(found) = schema.field(path) {
        return Ok(found);
    }
    if schema.type_of(path).is_some() {
        return Err(Problem::Unusable(shortened(&path.join("/"))));
    }
    let known = (1..path.len()).rev().find_map(|length| Some((length, schema.type_of(&path[..length])?)));
    let (index, type_name) = known.unwrap_or_else(|| (0, schema.type_name().to_owned()));
    Err(Problem::UnknownProperty { name: shortened(path.get(index).unwrap_or(&"")), type_name })
}
