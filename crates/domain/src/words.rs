//! Enumerations whose members are words: what is stored, logged and shown of each is written beside it, once.

/// An enumeration, its members in order, the word of each, and the member of a word, which is found by `$is` of `str`:
/// `eq`, or `eq_ignore_ascii_case`.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident: $is:ident {
        $($(#[$member_meta:meta])* $member:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$member_meta])* $member),+ }

        impl $name {
            /// Every word, in the order of the members.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Every member, in order.
            pub const ALL: [Self; Self::WORDS.len()] = [$(Self::$member),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }

            /// The member of that word; none for a word that this version does not know.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|member| member.as_str().$is(word))
            }
        }
    };
}
