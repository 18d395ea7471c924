//! Why a body does not fit. Nothing of a value is ever repeated in an error, since bodies hold secrets.

/// Why a body does not fit. Displays as the sentence that the caller reads.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::graph) enum BadBody {
    /// Not JSON; where the reading stopped.
    #[error(
        "The body is not valid JSON: it cannot be read beyond line {line}, column {column}. Nothing was changed."
    )]
    NotJson {
        /// From 1.
        line: usize,
        /// From 0 in an empty body.
        column: usize,
    },
    /// A number beyond what can be held.
    #[error(
        "The body cannot be read: the number before line {line}, column {column} is too large. Nothing was changed."
    )]
    NumberOutOfRange {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// An escape that is no character.
    #[error(
        "The body cannot be read: the escape before line {line}, column {column} is half of a pair of surrogates, which is \
         no character. Nothing was changed."
    )]
    LoneSurrogate {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Objects in objects in objects.
    #[error("The body is nested deeper than the {limit} levels that are accepted. Nothing was changed.")]
    TooDeep {
        /// In levels.
        limit: usize,
    },
    /// Two members of one name.
    #[error(
        "The member '{member}' is given more than once (names are compared without case). Nothing was changed."
    )]
    Repeated {
        /// As the caller wrote it, shortened.
        member: String,
    },
    /// Text of another encoding.
    #[error("The body is not UTF-8, which JSON has to be: send it in UTF-8. Nothing was changed.")]
    NotUtf8,
    /// JSON, but no object.
    #[error("The body must be a JSON object. Nothing was changed.")]
    NotAnObject,
    /// The type has no such property.
    #[error(
        "The property '{property}' does not exist on type '{type_name}'. Make sure to only use property names that are \
         defined by the type. Nothing was changed."
    )]
    UnknownProperty {
        /// As the caller wrote it, shortened.
        property: String,
        /// The qualified name.
        type_name: &'static str,
    },
    /// Related entities cannot be written together with this one.
    #[error(
        "'{property}' leads to other entities, which cannot be written in the same body. Nothing was changed."
    )]
    Navigation {
        /// The navigation property.
        property: &'static str,
    },
    /// Nothing can be bound there.
    #[error(
        "'{annotation}' is not supported here: of a setting's navigations its default profiles can be bound, when it is \
         changed. Nothing was changed."
    )]
    Binding {
        /// As the caller wrote it, shortened.
        annotation: String,
    },
    /// The action has no such parameter.
    #[error("'{parameter}' is not a parameter of the action '{action}'. Nothing was changed.")]
    UnknownParameter {
        /// As the caller wrote it, shortened.
        parameter: String,
        /// The action's name.
        action: &'static str,
    },
    /// A parameter that the action needs is absent, null or empty.
    #[error("The parameter '{parameter}' is missing or empty. Nothing was changed.")]
    Missing {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// The value is of another type.
    #[error("The value of '{path}' must be of type '{expected}'. Nothing was changed.")]
    WrongType {
        /// The path to the value.
        path: String,
        /// The EDM type.
        expected: String,
    },
    /// A text beyond its bound.
    #[error("'{path}' is longer than the {limit} characters that are accepted. Nothing was changed.")]
    TooLong {
        /// The path to the value.
        path: String,
        /// In characters.
        limit: usize,
    },
    /// A list beyond its bound.
    #[error("'{path}' holds more than the {limit} items that are accepted. Nothing was changed.")]
    TooMany {
        /// The path to the value.
        path: String,
        /// In items.
        limit: usize,
    },
    /// A text with a character that cannot be stored.
    #[error("'{path}' must not hold NUL. Nothing was changed.")]
    Nul {
        /// The path to the value.
        path: String,
    },
    /// `@odata.type` names no type that can be used here.
    #[error("'@odata.type' names no type that can be used here: '{written}'. Nothing was changed.")]
    UnknownType {
        /// As the caller wrote it, shortened.
        written: String,
    },
    /// `@odata.type` says that the entity is of another type.
    #[error("This is a '{actual}'; the type of an entity cannot be changed. Nothing was changed.")]
    OtherType {
        /// The qualified name.
        actual: &'static str,
    },
    /// A reference that leads nowhere.
    #[error(
        "'{}' must be the URL, on this service, of an enrollment profile of the same setting and of that platform. \
         Nothing was changed.",
        shortened(.0)
    )]
    BadReference(String),
    /// A default profile that is none.
    #[error(
        "'{property}' must be null, or an object whose 'id' or '@odata.id' names an enrollment profile of the same setting and \
         of that platform. Nothing was changed."
    )]
    NoProfile {
        /// The navigation property.
        property: &'static str,
    },
    /// A navigation that is bound in two ways.
    #[error(
        "'{property}' and '{property}@odata.bind' both set the default profile: send one of them. Nothing was changed."
    )]
    TwoBindings {
        /// The navigation property.
        property: &'static str,
    },
    /// A list of entities that no read showed.
    #[error(
        "'{property}' must be left out, or be a list of objects with their 'id', as it was read: the entities in it are \
         changed at their own addresses. Nothing was changed."
    )]
    NoList {
        /// The navigation property.
        property: &'static str,
    },
    /// Null where there must be a value.
    #[error("'{path}' of type '{expected}' cannot be null. Nothing was changed.")]
    Null {
        /// The path to the value.
        path: String,
        /// The EDM type.
        expected: String,
    },
}

/// What a caller wrote, for an error sentence: at most 100 bytes.
pub(in crate::graph) fn shortened(text: &str) -> String {
    const SHOWN: usize = 100;
    if text.len() <= SHOWN {
        text.to_owned()
    } else {
        format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
    }
}
