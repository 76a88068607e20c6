//! What a fresh installation on loopback starts with: one enterprise, one administrator, an application with JWT keys.
//!
//! The key pair of the application is made once and kept in the data folder, together with the configuration file that
//! official SDKs read (`boxwood dev-config` prints it). Invariant: both files are readable by their owner only.
//! Called by the binary at start, and by tests.

use crate::settings::DevelopmentIdentity;
use crate::tls::{TlsError, private_file, private_folder};
use boxwood_store::{ClientKey, Seed, Seeded, Store, StoreError};
use rsa::pkcs8::pkcs5::pbes2;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding, PrivateKeyInfo};
use rsa::rand_core::OsRng;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const ENTERPRISE: &str = "Boxwood development";
const ADMIN_NAME: &str = "Development administrator";
const ADMIN_LOGIN: &str = "admin@boxwood.example";
const KEY_ID: &str = "boxwooddev";
/// RFC 8017 keys below this are refused by current SDKs.
const KEY_BITS: usize = 2_048;
/// Rounds of the key's encryption; its passphrase stands in the same file, so they guard nothing.
const KEY_ROUNDS: u32 = 2_048;
/// Where the encrypted key and its SDK configuration stand, below the data folder.
const CONFIG_FILE: &str = "development/box-jwt-config.json";
const PUBLIC_KEY_FILE: &str = "development/jwt-public.pem";

/// Why the development identity could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// The key pair could not be made.
    #[error("the development key could not be made: {0}")]
    Key(String),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] TlsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The development identity, ready.
#[derive(Debug, Clone)]
pub struct Development {
    /// Enterprise, administrator, application.
    pub seeded: Seeded,
    /// The SDKs' JWT configuration.
    pub config_file: PathBuf,
}

/// Where the SDKs' JWT configuration stands.
pub fn config_file(data: &Path) -> PathBuf {
    data.join(CONFIG_FILE)
}

/// Makes the identity, or finds it again.
///
/// # Errors
/// [`DevelopmentError`].
pub async fn prepare(store: &dyn Store, data: &Path) -> Result<Development, DevelopmentError> {
    let identity = DevelopmentIdentity::default();
    let keys = keys(data).await?;
    let seed = Seed {
        enterprise_name: ENTERPRISE.to_owned(),
        admin_name: ADMIN_NAME.to_owned(),
        admin_login: ADMIN_LOGIN.to_owned(),
        client_id: identity.client_id.clone(),
        client_secret: identity.client_secret.clone(),
        client_keys: vec![ClientKey {
            id: KEY_ID.to_owned(),
            public_key_pem: keys.public_pem,
        }],
        redirect_uris: Vec::new(),
        developer_token: Some(identity.token.clone()),
    };
    let seeded = store.seed(seed).await?;
    let config_file = config_file(data);
    if let Some(private) = keys.fresh {
        let config = sdk_config(&identity, &private, seeded.enterprise.id.as_str());
        private_file(&config_file, &format!("{config:#}\n"))?;
        // Last, so that a crash in between makes a new pair instead of one whose private half is lost.
        let public_key = seeded
            .client
            .keys
            .first()
            .map(|key| key.public_key_pem.clone())
            .unwrap_or_default();
        private_file(&data.join(PUBLIC_KEY_FILE), &public_key)?;
    }
    Ok(Development { seeded, config_file })
}

struct Keys {
    public_pem: String,
    fresh: Option<PrivateKey>,
}

struct PrivateKey {
    encrypted_pem: String,
    passphrase: String,
}

async fn keys(data: &Path) -> Result<Keys, DevelopmentError> {
    let folder = data.join("development");
    private_folder(&folder)?;
    let kept = std::fs::read_to_string(data.join(PUBLIC_KEY_FILE))
        .ok()
        .filter(|_| config_file(data).exists());
    if let Some(public_pem) = kept {
        return Ok(Keys {
            public_pem,
            fresh: None,
        });
    }
    let made = tokio::task::spawn_blocking(make_keys).await;
    made.map_err(|error| DevelopmentError::Key(error.to_string()))?
}

/// Takes a part of a second of one core.
fn make_keys() -> Result<Keys, DevelopmentError> {
    let failed = |error: &dyn std::fmt::Display| DevelopmentError::Key(error.to_string());
    let private = RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(|error| failed(&error))?;
    let public_pem = RsaPublicKey::from(&private)
        .to_public_key_pem(LineEnding::LF)
        .map_err(|error| failed(&error))?;
    // SDKs insist on an encrypted key with its passphrase beside it.
    let mut random = [0u8; 16];
    rsa::rand_core::RngCore::fill_bytes(&mut OsRng, &mut random);
    let passphrase = hex::encode(random);
    let encrypted_pem = encrypt(&private, &passphrase).map_err(|error| failed(&error))?;
    Ok(Keys {
        public_pem,
        fresh: Some(PrivateKey {
            encrypted_pem,
            passphrase,
        }),
    })
}

/// By PBKDF2: the usual scrypt needs more memory than OpenSSL, which the Node SDK decrypts with, allows.
fn encrypt(private: &RsaPrivateKey, passphrase: &str) -> rsa::pkcs8::Result<String> {
    let mut salt = [0u8; 16];
    let mut start = [0u8; 16];
    rsa::rand_core::RngCore::fill_bytes(&mut OsRng, &mut salt);
    rsa::rand_core::RngCore::fill_bytes(&mut OsRng, &mut start);
    let scheme = pbes2::Parameters::pbkdf2_sha256_aes256cbc(KEY_ROUNDS, &salt, &start)?;
    let plain = private.to_pkcs8_der()?;
    let sealed = PrivateKeyInfo::try_from(plain.as_bytes())?.encrypt_with_params(scheme, passphrase)?;
    Ok(sealed
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)?
        .to_string())
}

/// The file that official SDKs read.
fn sdk_config(identity: &DevelopmentIdentity, key: &PrivateKey, enterprise_id: &str) -> Value {
    json!({
        "boxAppSettings": {
            "clientID": identity.client_id,
            "clientSecret": identity.client_secret,
            "appAuth": {
                "publicKeyID": KEY_ID,
                "privateKey": key.encrypted_pem,
                "passphrase": key.passphrase,
            },
        },
        "enterpriseID": enterprise_id,
    })
}
