//! Identifiers as newtypes, so that a folder id can't be passed where a file id is wanted.
//!
//! Box's ids are numeric strings; the root folder is `"0"`. Parsing refuses anything else, so an id that exists as a
//! value is safe to put into a path, a log line or SQL parameters. Used by every crate.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An id that is not a numeric string of 1 to 20 digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {kind} id: ids are strings of 1 to 20 digits")]
pub struct InvalidId {
    /// What kind of id was wanted, in words: "file", "folder".
    pub kind: &'static str,
    /// What was given, cut to 64 characters.
    pub value: String,
}

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as Box writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id of a number that a store counted.
            pub fn from_number(number: u64) -> Self {
                Self(number.to_string())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(value: &str) -> Result<Self, InvalidId> {
                let numeric = !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
                if numeric {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidId { kind: $kind, value: value.chars().take(64).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(value: String) -> Result<Self, InvalidId> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

numeric_id!(/// An agent of AI Studio.
    AgentId, "agent");
numeric_id!(/// A file. 
    FileId, "file");
numeric_id!(/// One version of a file's content.
    FileVersionId, "file version");
numeric_id!(/// A folder; `"0"` is the root of the user who asks.
    FolderId, "folder");
numeric_id!(/// A user.
    UserId, "user");
numeric_id!(/// An enterprise.
    EnterpriseId, "enterprise");
numeric_id!(/// A group of users.
    GroupId, "group");
numeric_id!(/// One user's belonging to one group.
    MembershipId, "group membership");
numeric_id!(/// An invitation to a file or folder.
    CollaborationId, "collaboration");
numeric_id!(/// An answer that was kept for review.
    AnswerId, "answer");

impl FolderId {
    /// The root folder of whoever asks.
    pub fn root() -> Self {
        Self("0".to_owned())
    }

    /// Whether this names the root folder.
    pub fn is_root(&self) -> bool {
        self.0 == "0"
    }
}

/// SHA-256 of a file's bytes: the key of its blob and of everything derived from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads 64 hexadecimal characters; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({})", self.to_hex())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits_only() {
        for (input, valid) in [
            ("0", true),
            ("12345", true),
            ("", false),
            ("../1", false),
            ("１", false),
            ("1 ", false),
        ] {
            assert_eq!(input.parse::<FileId>().is_ok(), valid, "{input:?}");
        }
    }

    #[test]
    fn content_hash_survives_hex() {
        let hash = ContentHash([0xab; 32]);
        assert_eq!(ContentHash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(ContentHash::from_hex("zz"), None);
    }
}
