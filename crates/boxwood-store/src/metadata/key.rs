//! Keys and ids: what is allowed, and how one is made from a display name.

use super::error::MetadataError;
use boxwood_core::Ids;

/// Characters that the key of a template may have.
const MAX_TEMPLATE_KEY: usize = 64;
/// Characters that the key of a field, an option or a taxonomy may have.
const MAX_KEY: usize = 256;
/// Characters that a display name or a description may have.
const MAX_NAME: usize = 4096;

/// A random UUID (version 4).
pub fn uuid(ids: &dyn Ids) -> String {
    let secret = ids.secret();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&secret[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    let (a, rest) = text.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Checks the key of a template: `^[a-zA-Z_][-a-zA-Z0-9_]*$`, up to 64 characters.
///
/// # Errors
/// [`MetadataError::Invalid`] for `field`.
pub fn check_template_key(key: &str, field: &str) -> Result<(), MetadataError> {
    check_plain_key(key, MAX_TEMPLATE_KEY, field)
}

/// Checks the key of a taxonomy: as a template's, up to 256 characters.
///
/// # Errors
/// [`MetadataError::Invalid`] for `field`.
pub fn check_taxonomy_key(key: &str, field: &str) -> Result<(), MetadataError> {
    check_plain_key(key, MAX_KEY, field)
}

fn check_plain_key(key: &str, most: usize, field: &str) -> Result<(), MetadataError> {
    let starts = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if starts && plain && key.len() <= most {
        return Ok(());
    }
    let reason = format!(
        "must begin with a letter or `_`, go on with letters, digits, `_` or `-`, and have at most {most} characters"
    );
    Err(MetadataError::invalid(field, reason))
}

/// Checks the key of a field or an option: 1 to 256 characters, none of them a control character; a field's key does
/// not begin with `$`, which marks the members that the server writes.
///
/// # Errors
/// [`MetadataError::Invalid`] for `field`.
pub fn check_key(key: &str, field: &str) -> Result<(), MetadataError> {
    let length = key.chars().count();
    let reason = if !(1..=MAX_KEY).contains(&length) {
        format!("must have 1 to {MAX_KEY} characters, not {length}")
    } else if key.chars().any(char::is_control) {
        "must not have control characters".to_owned()
    } else if key.starts_with('$') {
        "must not begin with `$`: such names belong to the server".to_owned()
    } else {
        return Ok(());
    };
    Err(MetadataError::invalid(field, reason))
}

/// Checks a display name: 1 to 4,096 characters.
///
/// # Errors
/// [`MetadataError::Invalid`] for `field`.
pub fn check_name(name: &str, field: &str) -> Result<(), MetadataError> {
    if name.trim().is_empty() {
        return Err(MetadataError::invalid(field, "must not be empty"));
    }
    check_description(name, field)
}

/// Checks a description: at most 4,096 characters.
///
/// # Errors
/// [`MetadataError::Invalid`] for `field`.
pub fn check_description(text: &str, field: &str) -> Result<(), MetadataError> {
    let length = text.chars().count();
    if length <= MAX_NAME {
        return Ok(());
    }
    let reason = format!("must have at most {MAX_NAME} characters, not {length}");
    Err(MetadataError::invalid(field, reason))
}

/// The key of a template that was given none: `Product Info` becomes `productInfo`.
pub fn template_key_of(display_name: &str) -> String {
    let mut key = String::new();
    for word in display_name
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let shouted = word.bytes().all(|byte| !byte.is_ascii_lowercase());
        let (first, rest) = word.split_at(1);
        if key.is_empty() {
            key.push_str(&first.to_ascii_lowercase());
            key.push_str(&if shouted {
                rest.to_ascii_lowercase()
            } else {
                rest.to_owned()
            });
        } else {
            key.push_str(&first.to_ascii_uppercase());
            key.push_str(rest);
        }
    }
    if key.is_empty() {
        key.push_str("template");
    }
    if key.starts_with(|first: char| first.is_ascii_digit()) {
        key.insert(0, '_');
    }
    key.truncate(MAX_TEMPLATE_KEY);
    key
}

/// The `attempt`th key of that stem: the stem itself, then with a number behind it.
pub fn numbered_key(stem: &str, attempt: usize) -> String {
    if attempt == 0 {
        return stem.to_owned();
    }
    let number = (attempt + 1).to_string();
    let room = MAX_TEMPLATE_KEY.saturating_sub(number.len());
    let stem: String = stem.chars().take(room).collect();
    format!("{stem}{number}")
}

/// The key of a taxonomy that was given none: `Legal Entity` becomes `legal_entity`.
pub fn taxonomy_key_of(display_name: &str) -> String {
    let mut key: String = display_name
        .to_lowercase()
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .take(MAX_KEY)
        .collect();
    if key.is_empty() || key.starts_with(|first: char| first.is_ascii_digit()) {
        key.insert(0, '_');
        key.truncate(MAX_KEY);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::SequentialIds;

    #[test]
    fn keys_are_made_from_names() {
        for (name, template, taxonomy) in [
            ("Product Info", "productInfo", "product_info"),
            ("ABC deal", "abcDeal", "abc_deal"),
            ("testName", "testName", "testname"),
            ("2024 plan", "_2024Plan", "_2024_plan"),
            ("契約", "template", "__"),
            ("", "template", "_"),
        ] {
            assert_eq!(template_key_of(name), template, "{name}");
            assert_eq!(taxonomy_key_of(name), taxonomy, "{name}");
            check_template_key(&template_key_of(name), "key").unwrap();
            check_taxonomy_key(&taxonomy_key_of(name), "key").unwrap();
        }
        let long = template_key_of(&"x".repeat(100));
        assert_eq!(long.len(), 64);
        assert_eq!(numbered_key(&long, 0), long);
        assert_eq!(numbered_key(&long, 9).len(), 64);
        assert_eq!(numbered_key("deal", 1), "deal2");
    }

    #[test]
    fn keys_are_checked() {
        for (key, plain, any) in [
            ("a-b_9", true, true),
            ("9a", false, true),
            ("", false, false),
            ("a b", false, true),
            ("名", false, true),
            ("$id", false, false),
            ("a\nb", false, false),
            ("a.b", false, true),
        ] {
            assert_eq!(check_template_key(key, "key").is_ok(), plain, "{key:?}");
            assert_eq!(check_key(key, "key").is_ok(), any, "{key:?}");
        }
        assert!(check_template_key(&"a".repeat(65), "key").is_err());
        assert!(check_key(&"a".repeat(257), "key").is_err());
        assert!(check_name(" ", "displayName").is_err());
    }

    #[test]
    fn uuids_have_their_form() {
        let id = uuid(&SequentialIds::default());
        assert!(is_uuid(&id), "{id}");
        assert_eq!(&id[14..15], "4");
        assert!(!is_uuid("12"));
    }
}
