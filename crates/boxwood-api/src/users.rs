//! Users on the wire: `GET /2.0/users/me` and the management of users.
//!
//! Called by the server's handlers; dates are RFC 3339, sizes are bytes.

use crate::error::Reason;
use crate::reading::{Findings, Reader};
use crate::wire::{Moment, bounded_text};
use serde::Serialize;
use serde_json::Value;

/// The short form, inside other resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserMini {
    /// Always `user`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The user's id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The login, an e-mail address.
    pub login: String,
}

/// The enterprise of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnterpriseMini {
    /// Always `enterprise`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The enterprise's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A user in full; [`crate::fields::FieldSelection`] narrows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Always `user`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The user's id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The login, an e-mail address.
    pub login: String,
    /// When the user was made.
    pub created_at: Moment,
    /// When the user was last changed.
    pub modified_at: Moment,
    /// `en`, `ja`, …
    pub language: String,
    /// An IANA name.
    pub timezone: String,
    /// Bytes the user may use; Box writes 999999999999999 for "without a bound".
    pub space_amount: u64,
    /// Bytes in use.
    pub space_used: u64,
    /// The largest file, in bytes.
    pub max_upload_size: u64,
    /// `active` or `inactive`.
    pub status: String,
    /// Empty where not known.
    pub job_title: String,
    /// Empty where not known.
    pub phone: String,
    /// Empty where not known.
    pub address: String,
    /// Empty: Boxwood keeps no pictures of users.
    pub avatar_url: String,
    /// Always `null`: Boxwood sends no mail.
    pub notification_email: Option<()>,
    /// `admin` or `user`.
    pub role: String,
    /// The enterprise.
    pub enterprise: EnterpriseMini,
    /// Whether this is an application's user, who can't sign in.
    pub is_platform_access_only: bool,
}

impl User {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &[
        "name",
        "login",
        "created_at",
        "modified_at",
        "language",
        "timezone",
        "space_amount",
        "space_used",
        "max_upload_size",
        "status",
        "job_title",
        "phone",
        "address",
        "avatar_url",
        "notification_email",
    ];
}

/// `POST /2.0/users`. Members that Boxwood does not keep are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateUser {
    /// The display name, 1 to 50 characters.
    pub name: String,
    /// The login; `None` only with `is_platform_access_only`.
    pub login: Option<String>,
    /// An application's user, who can't sign in.
    pub is_platform_access_only: bool,
}

impl CreateUser {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        reader.required("name", findings);
        let name = bounded_text(&mut reader, "name", 50, findings);
        let is_platform_access_only = reader.flag("is_platform_access_only", findings).unwrap_or(false);
        if !is_platform_access_only {
            reader.required("login", findings);
        }
        let login = login(&mut reader, findings);
        reader.close(findings);
        Some(Self {
            name: name?,
            login,
            is_platform_access_only,
        })
    }
}

/// `PUT /2.0/users/{id}`. Members that Boxwood does not keep are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateUser {
    /// The new display name.
    pub name: Option<String>,
    /// The new login.
    pub login: Option<String>,
}

impl UpdateUser {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let name = bounded_text(&mut reader, "name", 50, findings);
        let login = login(&mut reader, findings);
        reader.close(findings);
        Some(Self { name, login })
    }
}

/// A login: an e-mail address.
fn login(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<String> {
    let login = bounded_text(reader, "login", 254, findings)?;
    if is_address(&login) {
        return Some(login);
    }
    let message = "must be an e-mail address, such as name@example.com";
    findings.refuse(Reason::InvalidParameter, reader.path_of("login"), message);
    None
}

/// Whether this is an address as mail servers take it, without quotes and comments.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_part = |part: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter);
        !part.is_empty() && part.chars().all(fits)
    };
    let label = |label: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let ends = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= 63 && !ends && label.chars().all(fits)
    };
    local.len() <= 64 && local.split('.').all(local_part) && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_addresses() {
        for (text, expected) in [
            ("ada@example.com", true),
            ("admin@localhost", true),
            ("a.b+c@mail.example.com", true),
            ("", false),
            ("ada", false),
            ("@example.com", false),
            ("ada@", false),
            ("a@b@c", false),
            ("a..b@example.com", false),
            ("a b@example.com", false),
            ("ada@-example.com", false),
            ("\u{8}@example.com", false),
        ] {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }
}
