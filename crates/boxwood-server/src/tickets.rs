//! Signed tickets for downloads: what a `Location` carries instead of the caller's token.
//!
//! Invariant: a ticket opens one version of one file for one user, for 15 minutes, and can't be made without the key.
//! The key lives as long as the process: after a restart clients ask for a new address, as they do after 15 minutes.

use boxwood_core::{EnterpriseId, FileId, FileVersionId, Ids, UserId};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// How long a ticket opens.
const LIFETIME: Duration = Duration::minutes(15);

/// What a ticket opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadTicket {
    /// Who downloads.
    #[serde(rename = "sub")]
    pub user_id: UserId,
    /// Of which enterprise.
    #[serde(rename = "ent")]
    pub enterprise_id: EnterpriseId,
    /// Which file.
    #[serde(rename = "file")]
    pub file_id: FileId,
    /// Which version.
    #[serde(rename = "ver")]
    pub version_id: FileVersionId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    ticket: DownloadTicket,
    exp: i64,
}

/// The key that signs tickets.
pub struct Tickets {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl Tickets {
    /// A new key.
    pub fn new(ids: &dyn Ids) -> Self {
        let secret = ids.secret();
        Self {
            signing: EncodingKey::from_secret(&secret),
            checking: DecodingKey::from_secret(&secret),
        }
    }

    /// A ticket's text, safe in a path.
    ///
    /// # Errors
    /// From the encoder.
    pub fn issue(
        &self,
        ticket: &DownloadTicket,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            ticket: ticket.clone(),
            exp: (now + LIFETIME).timestamp(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// What a text opens now; `None` for anything that was not issued here or has ended.
    pub fn check(&self, text: &str, now: DateTime<Utc>) -> Option<DownloadTicket> {
        let mut rules = Validation::new(Algorithm::HS256);
        // Time is the server's own clock, which tests move.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let claims = decode::<Claims>(text, &self.checking, &rules).ok()?.claims;
        (now.timestamp() < claims.exp).then_some(claims.ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::{SequentialIds, SystemIds};

    #[test]
    fn tickets_end_and_can_not_be_forged() {
        let ticket = DownloadTicket {
            user_id: "7".parse().unwrap(),
            enterprise_id: "1".parse().unwrap(),
            file_id: "42".parse().unwrap(),
            version_id: "43".parse().unwrap(),
        };
        let now = Utc::now();
        let tickets = Tickets::new(&SequentialIds::default());
        let text = tickets.issue(&ticket, now).unwrap();
        assert_eq!(
            tickets.check(&text, now + Duration::minutes(14)),
            Some(ticket.clone())
        );
        assert_eq!(tickets.check(&text, now + Duration::minutes(15)), None);
        assert_eq!(tickets.check(&text[..text.len() - 2], now), None);
        assert_eq!(Tickets::new(&SystemIds).check(&text, now), None);
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", text.split('.').nth(1).unwrap());
        assert_eq!(tickets.check(&unsigned, now), None);
    }
}
