//! Enterprises, users and applications. Tokens are in `tokens.rs` and `grants.rs`.

use super::access::ROOT_NAME;
use super::convert::{Doing, column, json, number, time, to_json, unsigned};
use super::{SqliteStore, commit, grants, tokens, tree, users};
use crate::error::{StoreError, Thing};
use crate::identity::{
    Client, Enterprise, IssuedToken, NewAccessToken, NewAuthorizationCode, NewClient, NewUser, Seed, Seeded,
    TokenCheck, TokenPair, User, UserChange, UserKind, UserRole,
};
use crate::store::IdentityStore;
use async_trait::async_trait;
use boxwood_core::{EnterpriseId, ScopeSet, UserId};
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

macro_rules! select_users {
    ($tail:literal) => {
        concat!(
            "SELECT users.*, enterprises.name AS enterprise_name FROM users \
             JOIN enterprises ON enterprises.id = users.enterprise_id ",
            $tail
        )
    };
}

/// What is kept of a secret.
pub(super) fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Compares without telling by the time where the difference is.
fn same_secret(known: &[u8], given: &[u8]) -> bool {
    known.len() == given.len() && known.iter().zip(given).fold(0u8, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn seed(&self, seed: Seed) -> Result<Seeded, StoreError> {
        let mut writing = self.write().await?;
        let seeded = self.seed_in(&mut writing, seed).await?;
        commit(writing).await?;
        Ok(seeded)
    }

    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        let mut writing = self.write().await?;
        let id = self.add_user(&mut writing, &user).await?;
        let made = find_user(&mut writing, id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn user(&self, id: &UserId) -> Result<User, StoreError> {
        let mut reading = self.read().await?;
        find_user(&mut reading, number(id.as_str(), Thing::User)?).await
    }

    async fn users(&self, enterprise: &EnterpriseId) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query(select_users!(
            "WHERE users.enterprise_id = ?1 AND users.kind = 'managed' ORDER BY users.id"
        ))
        .bind(number(enterprise.as_str(), Thing::User)?)
        .fetch_all(&self.readers)
        .await
        .doing("list users")?;
        rows.iter().map(user).collect()
    }

    async fn update_user(&self, id: &UserId, change: UserChange) -> Result<User, StoreError> {
        let mut writing = self.write().await?;
        let changed = users::update(self, &mut writing, id, change).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn delete_user(&self, id: &UserId) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        users::delete(&mut writing, id).await?;
        commit(writing).await
    }

    async fn put_client(&self, client: NewClient) -> Result<Client, StoreError> {
        let mut writing = self.write().await?;
        let made = self.put_client_in(&mut writing, client).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn client(&self, client_id: &str) -> Result<Option<Client>, StoreError> {
        let mut reading = self.read().await?;
        Ok(find_client(&mut reading, client_id)
            .await?
            .map(|(client, _)| client))
    }

    async fn check_client(&self, client_id: &str, secret: &str) -> Result<Option<Client>, StoreError> {
        let mut reading = self.read().await?;
        let found = find_client(&mut reading, client_id).await?;
        let given = secret_hash(secret);
        Ok(found
            .filter(|(_, known)| same_secret(known, &given))
            .map(|(client, _)| client))
    }

    async fn issue_access_token(&self, token: NewAccessToken) -> Result<IssuedToken, StoreError> {
        let mut writing = self.write().await?;
        let issued = tokens::issue(self, &mut writing, &token).await?.token;
        commit(writing).await?;
        Ok(issued)
    }

    async fn check_token(&self, secret: &str) -> Result<TokenCheck, StoreError> {
        tokens::check(self, secret).await
    }

    async fn revoke_token(&self, secret: &str, client_id: Option<&str>) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let known = tokens::revoke(self, &mut writing, secret, client_id).await?;
        commit(writing).await?;
        Ok(known)
    }

    async fn issue_code(&self, code: NewAuthorizationCode) -> Result<IssuedToken, StoreError> {
        let mut writing = self.write().await?;
        let issued = grants::issue_code(self, &mut writing, &code).await?;
        commit(writing).await?;
        Ok(issued)
    }

    async fn redeem_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        access_lifetime: Duration,
    ) -> Result<TokenPair, StoreError> {
        let mut writing = self.write().await?;
        let grant = grants::use_code(self, &mut writing, code, client_id, redirect_uri).await?;
        let pair = grants::issue_pair(self, &mut writing, grant, client_id, access_lifetime).await?;
        commit(writing).await?;
        Ok(pair)
    }

    async fn redeem_refresh_token(
        &self,
        refresh_token: &str,
        client_id: &str,
        access_lifetime: Duration,
    ) -> Result<TokenPair, StoreError> {
        let mut writing = self.write().await?;
        let grant = grants::use_refresh_token(self, &mut writing, refresh_token, client_id).await?;
        let pair = grants::issue_pair(self, &mut writing, grant, client_id, access_lifetime).await?;
        commit(writing).await?;
        Ok(pair)
    }

    async fn remember_jwt_id(
        &self,
        client_id: &str,
        jwt_id: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO jwt_ids (client_id, jwt_id, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .bind(client_id)
        .bind(jwt_id)
        .bind(expires_at.timestamp_millis())
        .execute(&self.writer)
        .await
        .doing("remember a JWT id")?;
        Ok(added.rows_affected() > 0)
    }
}

impl SqliteStore {
    async fn seed_in(&self, connection: &mut SqliteConnection, seed: Seed) -> Result<Seeded, StoreError> {
        let admin = self.seed_admin(connection, &seed).await?;
        let enterprise = admin.enterprise.clone();
        let service_account = self
            .seed_service_account(connection, &seed.client_id, &enterprise)
            .await?;
        let client = NewClient {
            name: seed.client_id.clone(),
            client_id: seed.client_id,
            client_secret: seed.client_secret,
            enterprise_id: enterprise.id.clone(),
            service_account_id: service_account.id.clone(),
            scopes: ScopeSet::full(),
            redirect_uris: seed.redirect_uris,
            keys: seed.client_keys,
        };
        let client = self.put_client_in(connection, client).await?;
        if let Some(token) = seed.developer_token {
            tokens::put_developer_token(self, connection, &token, &admin.id).await?;
        }
        Ok(Seeded {
            enterprise,
            admin,
            service_account,
            client,
        })
    }

    async fn seed_admin(&self, connection: &mut SqliteConnection, seed: &Seed) -> Result<User, StoreError> {
        let known: Option<i64> = sqlx::query_scalar("SELECT id FROM users WHERE login_key = ?1")
            .bind(seed.admin_login.to_lowercase())
            .fetch_optional(&mut *connection)
            .await
            .doing("find the administrator")?;
        if let Some(id) = known {
            return find_user(connection, id).await;
        }
        let enterprise = self.add_enterprise(connection, &seed.enterprise_name).await?;
        let new = NewUser {
            enterprise_id: enterprise.id,
            name: seed.admin_name.clone(),
            login: seed.admin_login.clone(),
            role: UserRole::Admin,
            kind: UserKind::Managed,
        };
        let id = self.add_user(connection, &new).await?;
        find_user(connection, id).await
    }

    /// The service account of a known application of that enterprise, or a new one.
    async fn seed_service_account(
        &self,
        connection: &mut SqliteConnection,
        client_id: &str,
        enterprise: &Enterprise,
    ) -> Result<User, StoreError> {
        let known = find_client(connection, client_id)
            .await?
            .map(|(client, _)| client);
        if let Some(client) = known.filter(|client| client.enterprise_id == enterprise.id) {
            let id = number(client.service_account_id.as_str(), Thing::User)?;
            return find_user(connection, id).await;
        }
        let new = NewUser {
            enterprise_id: enterprise.id.clone(),
            name: format!("{client_id} (service account)"),
            login: format!("AutomationUser_{}@boxwood.invalid", self.options.ids.hex(8)),
            role: UserRole::User,
            kind: UserKind::ServiceAccount,
        };
        let id = self.add_user(connection, &new).await?;
        find_user(connection, id).await
    }

    async fn add_enterprise(
        &self,
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<Enterprise, StoreError> {
        let id = tree::next_ids(connection, 1).await?;
        sqlx::query("INSERT INTO enterprises (id, name, created_at) VALUES (?1, ?2, ?3)")
            .bind(id)
            .bind(name)
            .bind(self.now())
            .execute(connection)
            .await
            .doing("add an enterprise")?;
        Ok(Enterprise {
            id: EnterpriseId::from_number(unsigned(id)?),
            name: name.to_owned(),
        })
    }

    /// Adds a user with an empty root folder; answers the number.
    async fn add_user(&self, connection: &mut SqliteConnection, new: &NewUser) -> Result<i64, StoreError> {
        let enterprise = number(new.enterprise_id.as_str(), Thing::User)?;
        let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE login_key = ?1)")
            .bind(new.login.to_lowercase())
            .fetch_one(&mut *connection)
            .await
            .doing("look for the login")?;
        if taken {
            return Err(StoreError::LoginInUse {
                login: new.login.clone(),
            });
        }
        let id = tree::next_ids(connection, 2).await?;
        let now = self.now();
        sqlx::query(
            "INSERT INTO users (id, enterprise_id, name, login, login_key, role, kind, root_id, created_at, modified_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        )
        .bind(id)
        .bind(enterprise)
        .bind(&new.name)
        .bind(&new.login)
        .bind(new.login.to_lowercase())
        .bind(new.role.as_str())
        .bind(new.kind.as_str())
        .bind(id + 1)
        .bind(now)
        .execute(&mut *connection)
        .await
        .doing("add a user")?;
        sqlx::query(
            "INSERT INTO items (id, kind, parent_id, owner_id, name, name_key, created_by, modified_by, created_at, \
             modified_at, content_created_at, content_modified_at) \
             VALUES (?1, 0, NULL, ?2, ?3, '', ?2, ?2, ?4, ?4, ?4, ?4)",
        )
        .bind(id + 1)
        .bind(id)
        .bind(ROOT_NAME)
        .bind(now)
        .execute(&mut *connection)
        .await
        .doing("add a root folder")?;
        users::take_invitations(connection, id, &new.login, now).await?;
        Ok(id)
    }

    async fn put_client_in(
        &self,
        connection: &mut SqliteConnection,
        new: NewClient,
    ) -> Result<Client, StoreError> {
        sqlx::query(
            "INSERT INTO clients (client_id, secret_hash, name, enterprise_id, service_account_id, scopes, \
             redirect_uris, keys, created_at, modified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) \
             ON CONFLICT (client_id) DO UPDATE SET secret_hash = excluded.secret_hash, name = excluded.name, \
             enterprise_id = excluded.enterprise_id, service_account_id = excluded.service_account_id, \
             scopes = excluded.scopes, redirect_uris = excluded.redirect_uris, keys = excluded.keys, \
             modified_at = excluded.modified_at",
        )
        .bind(&new.client_id)
        .bind(secret_hash(&new.client_secret))
        .bind(&new.name)
        .bind(number(new.enterprise_id.as_str(), Thing::Client)?)
        .bind(number(new.service_account_id.as_str(), Thing::User)?)
        .bind(new.scopes.to_string())
        .bind(to_json(&new.redirect_uris)?)
        .bind(to_json(&new.keys)?)
        .bind(self.now())
        .execute(&mut *connection)
        .await
        .doing("register an application")?;
        let made = find_client(connection, &new.client_id).await?;
        made.map(|(client, _)| client)
            .ok_or_else(|| StoreError::not_found(Thing::Client, &new.client_id))
    }
}

pub(super) async fn find_user(connection: &mut SqliteConnection, id: i64) -> Result<User, StoreError> {
    let row = sqlx::query(select_users!("WHERE users.id = ?1"))
        .bind(id)
        .fetch_optional(connection)
        .await
        .doing("read a user")?
        .ok_or_else(|| StoreError::not_found(Thing::User, id))?;
    user(&row)
}

fn user(row: &SqliteRow) -> Result<User, StoreError> {
    let unknown = |what: &str| super::convert::damaged(what);
    Ok(User {
        id: UserId::from_number(unsigned(column(row, "id")?)?),
        enterprise: Enterprise {
            id: EnterpriseId::from_number(unsigned(column(row, "enterprise_id")?)?),
            name: column(row, "enterprise_name")?,
        },
        name: column(row, "name")?,
        login: column(row, "login")?,
        role: UserRole::parse(column(row, "role")?).ok_or_else(|| unknown("a user's role"))?,
        kind: UserKind::parse(column(row, "kind")?).ok_or_else(|| unknown("a user's kind"))?,
        active: column(row, "active")?,
        language: column(row, "language")?,
        timezone: column(row, "timezone")?,
        space_used: unsigned(column(row, "space_used")?)?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
    })
}

async fn find_client(
    connection: &mut SqliteConnection,
    client_id: &str,
) -> Result<Option<(Client, Vec<u8>)>, StoreError> {
    let row = sqlx::query("SELECT * FROM clients WHERE client_id = ?1")
        .bind(client_id)
        .fetch_optional(connection)
        .await
        .doing("find an application")?;
    let Some(row) = row else { return Ok(None) };
    let client = Client {
        client_id: column(&row, "client_id")?,
        name: column(&row, "name")?,
        enterprise_id: EnterpriseId::from_number(unsigned(column(&row, "enterprise_id")?)?),
        service_account_id: UserId::from_number(unsigned(column(&row, "service_account_id")?)?),
        scopes: scopes(column(&row, "scopes")?)?,
        redirect_uris: json(column(&row, "redirect_uris")?)?,
        keys: json(column(&row, "keys")?)?,
    };
    Ok(Some((client, column(&row, "secret_hash")?)))
}

/// A column with scopes.
pub(super) fn scopes(list: &str) -> Result<ScopeSet, StoreError> {
    ScopeSet::parse(list).map_err(|error| StoreError::Damaged {
        what: error.to_string(),
    })
}
