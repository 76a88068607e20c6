//! Names of items: what is allowed, and when two are the same.
//!
//! Invariant: every name that is stored went through [`check_name`]; two items of a folder never have the same
//! [`name_key`]. Used by every store.

use crate::error::StoreError;

/// Checks a name as Box does and gives it back without outer white space.
///
/// # Errors
/// [`StoreError::InvalidName`].
pub fn check_name(name: &str) -> Result<&str, StoreError> {
    let trimmed = name.trim();
    let reason = if trimmed.is_empty() {
        "it is empty"
    } else if trimmed == "." || trimmed == ".." {
        "`.` and `..` are not names"
    } else if trimmed.chars().count() > 255 {
        "it has more than 255 characters"
    } else if trimmed.contains(['/', '\\']) {
        "`/` and `\\` are not allowed"
    } else if trimmed.chars().any(char::is_control) {
        "control characters are not allowed"
    } else {
        return Ok(trimmed);
    };
    Err(StoreError::InvalidName {
        name: name.chars().take(255).collect(),
        reason,
    })
}

/// Two names with the same key are the same name in a folder.
pub fn name_key(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(check_name(name).ok(), expected, "{name:?}");
    }

    #[test]
    fn names_are_checked() {
        check("a.txt", Some("a.txt"));
        check("  a b ", Some("a b"));
        check("日本語.pdf", Some("日本語.pdf"));
        check("", None);
        check(" ", None);
        check(".", None);
        check("..", None);
        check("a/b", None);
        check("a\\b", None);
        check("a\u{0}b", None);
        check(&"x".repeat(255), Some(&"x".repeat(255)));
        check(&"x".repeat(256), None);
    }

    #[test]
    fn case_and_composition_do_not_make_a_name_different() {
        assert_eq!(name_key("Ärger.TXT"), name_key("a\u{308}rger.txt"));
        assert_eq!(name_key("ΑΒΓ"), name_key("αβγ"));
        assert_ne!(name_key("a.txt"), name_key("b.txt"));
    }
}
