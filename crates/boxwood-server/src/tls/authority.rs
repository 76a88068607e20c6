//! Making and renewing the certificates. See [`super`] for the invariants.

use super::TlsError;
use super::files::{make_folder, replace};
use chrono::{DateTime, Duration, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::fs;
use std::path::{Path, PathBuf};

/// The names in the server certificate: this machine, and the hosts that clients without a setting resolve to it.
pub const CERTIFICATE_NAMES: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "api.box.com",
    "upload.box.com",
    "account.box.com",
    "dl.boxcloud.com",
];

/// Years that the authority lives.
const AUTHORITY_LIFETIME: Duration = Duration::days(3_650);
/// Some systems refuse certificates that live longer than 398 days, whoever signs them.
const SERVER_LIFETIME: Duration = Duration::days(397);
const RENEW_BEFORE: Duration = Duration::days(30);
/// Clients' clocks may be a little behind.
const BACKDATED: Duration = Duration::hours(1);

/// The files of the authority and of the server certificate, in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    folder: PathBuf,
}

impl TlsFiles {
    /// Makes what is missing: authority, server certificate.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open_or_make(folder: &Path, now: DateTime<Utc>) -> Result<Self, TlsError> {
        make_folder(folder)?;
        let files = Self {
            folder: folder.to_owned(),
        };
        if !files.authority_certificate().exists() || !files.authority_key().exists() {
            files.make_authority(now)?;
        }
        files.renew_if_due(now)?;
        Ok(files)
    }

    /// The authority's certificate: what clients are told to trust.
    pub fn authority_certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The server certificate, with the authority's behind it.
    pub fn server_certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// The server certificate's private key.
    pub fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    fn authority_key(&self) -> PathBuf {
        self.folder.join("ca.key")
    }

    /// Makes a new server certificate if there is none that lasts another month. Answers whether it did.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn renew_if_due(&self, now: DateTime<Utc>) -> Result<bool, TlsError> {
        let ends = end_of(&self.server_certificate());
        if self.server_key().exists() && ends.is_some_and(|ends| ends > now + RENEW_BEFORE) {
            return Ok(false);
        }
        self.make_server(now)?;
        Ok(true)
    }

    fn make_authority(&self, now: DateTime<Utc>) -> Result<(), TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Boxwood local authority");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Boxwood on this machine");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_lifetime(&mut params, now, AUTHORITY_LIFETIME);
        let certificate = params.self_signed(&key)?;
        // The key first: a certificate without its key would be trusted and useless.
        replace(&self.authority_key(), &key.serialize_pem(), true)?;
        replace(&self.authority_certificate(), &certificate.pem(), false)
    }

    fn make_server(&self, now: DateTime<Utc>) -> Result<(), TlsError> {
        let authority_pem = read(&self.authority_certificate())?;
        let authority_key = KeyPair::from_pem(&read(&self.authority_key())?)?;
        let issuer = Issuer::from_ca_cert_pem(&authority_pem, authority_key)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(CERTIFICATE_NAMES.map(str::to_owned))?;
        params.distinguished_name.push(DnType::CommonName, "Boxwood");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_lifetime(&mut params, now, SERVER_LIFETIME);
        let certificate = params.signed_by(&key, &issuer)?;
        replace(&self.server_key(), &key.serialize_pem(), true)?;
        replace(
            &self.server_certificate(),
            &format!("{}{authority_pem}", certificate.pem()),
            false,
        )
    }
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn set_lifetime(params: &mut CertificateParams, now: DateTime<Utc>, lifetime: Duration) {
    // rcgen writes whole seconds in UTC; `SystemTime` is the common ground of its time type and ours.
    params.not_before = std::time::SystemTime::from(now - BACKDATED).into();
    params.not_after = std::time::SystemTime::from(now + lifetime).into();
}

/// When the first certificate of a PEM file ends; `None` where there is none that can be read.
fn end_of(path: &Path) -> Option<DateTime<Utc>> {
    let pem = fs::read(path).ok()?;
    let (_, block) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
    let certificate = block.parse_x509().ok()?;
    DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_kept_and_renewed_a_month_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let now = Utc::now();
        let files = TlsFiles::open_or_make(folder.path(), now).unwrap();
        let authority = fs::read_to_string(files.authority_certificate()).unwrap();
        let server = fs::read_to_string(files.server_certificate()).unwrap();
        TlsFiles::open_or_make(folder.path(), now + Duration::days(300)).unwrap();
        assert_eq!(fs::read_to_string(files.server_certificate()).unwrap(), server);
        assert!(files.renew_if_due(now + Duration::days(368)).unwrap());
        assert_ne!(fs::read_to_string(files.server_certificate()).unwrap(), server);
        assert_eq!(
            fs::read_to_string(files.authority_certificate()).unwrap(),
            authority
        );
    }

    #[test]
    fn a_damaged_certificate_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::open_or_make(folder.path(), Utc::now()).unwrap();
        fs::write(files.server_certificate(), "nonsense").unwrap();
        assert!(files.renew_if_due(Utc::now()).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::open_or_make(&folder.path().join("tls"), Utc::now()).unwrap();
        for key in [files.server_key(), files.authority_key()] {
            assert_eq!(
                fs::metadata(&key).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                key.display()
            );
        }
        assert_eq!(
            fs::metadata(folder.path().join("tls"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
    }
}
