//! Seals: what stands as `encrypted_content` of a reasoning item, by which the server knows its own items again when a
//! client that keeps its conversation itself (`store: false`) sends them back.
//!
//! Invariants: nothing of the thinking is in a seal, encrypted or not, only whose item it is; one can't be made without
//! the key, and another user's is none. The key outlives the process where the binary keeps it ([`kept_secret`]), or a
//! restart would break conversations. Called by the Responses API.

use crate::tls::{TlsError, private_file};
use boxwood_core::{Ids, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Where the key stands, below the data folder.
const KEY_FILE: &str = "seal.key";

/// Whose item it is.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "sub")]
    user: UserId,
    item: String,
}

/// The key of seals.
pub struct SealKey {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealKey").finish_non_exhaustive()
    }
}

impl SealKey {
    /// The key of this secret; without one, a key that lives as long as the process.
    pub fn new(secret: Option<&SecretString>, ids: &dyn Ids) -> Self {
        let drawn;
        let secret: &[u8] = match secret {
            Some(secret) => secret.expose_secret().as_bytes(),
            None => {
                drawn = ids.secret();
                &drawn
            }
        };
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
        }
    }

    /// The seal of a user's item.
    ///
    /// # Errors
    /// From the encoder.
    pub fn seal(&self, user: &UserId, item: &str) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            user: user.clone(),
            item: item.to_owned(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// Whether a text is the seal of this user's item; clients may leave the item's id out.
    pub fn is_of(&self, text: &str, user: &UserId, item: Option<&str>) -> bool {
        let mut rules = Validation::new(Algorithm::HS256);
        // A conversation goes on as long as its client wants.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let Ok(token) = decode::<Claims>(text, &self.checking, &rules) else {
            return false;
        };
        token.claims.user == *user && item.is_none_or(|item| item == token.claims.item)
    }
}

/// The secret of the data folder, made where there is none yet.
///
/// # Errors
/// From the file system.
pub fn kept_secret(data: &Path, ids: &dyn Ids) -> Result<SecretString, TlsError> {
    let path = data.join(KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().to_owned().into()),
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(TlsError::File {
            action: "read",
            path,
            source,
        }),
        _ => {
            let secret = ids.hex(32);
            private_file(&path, &secret)?;
            Ok(secret.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::{SequentialIds, SystemIds};

    #[test]
    fn a_seal_is_of_one_user_s_item_and_can_not_be_forged() {
        let (user, other): (UserId, UserId) = ("7".parse().unwrap(), "8".parse().unwrap());
        let key = SealKey::new(None, &SequentialIds::default());
        let seal = key.seal(&user, "rs_1").unwrap();
        assert!(key.is_of(&seal, &user, Some("rs_1")) && key.is_of(&seal, &user, None));
        assert!(!key.is_of(&seal, &user, Some("rs_2")));
        assert!(!key.is_of(&seal, &other, Some("rs_1")));
        assert!(!key.is_of(&seal[..seal.len() - 2], &user, None));
        assert!(!SealKey::new(None, &SystemIds).is_of(&seal, &user, None));
        assert!(!key.is_of("gAAAAA", &user, None));
    }

    #[test]
    fn the_secret_of_a_data_folder_stays() {
        let data = tempfile::tempdir().unwrap();
        let first = kept_secret(data.path(), &SystemIds).unwrap();
        let second = kept_secret(data.path(), &SystemIds).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        let user: UserId = "7".parse().unwrap();
        let seal = SealKey::new(Some(&first), &SystemIds)
            .seal(&user, "rs_1")
            .unwrap();
        assert!(SealKey::new(Some(&second), &SystemIds).is_of(&seal, &user, None));
    }
}
