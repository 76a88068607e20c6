//! `boxwood serve`: the server, from configuration to orderly end.

use super::Common;
use crate::config::{Config, Identity};
use crate::parts::{self, Parts};
use crate::{logs, output};
use anyhow::Context;
use boxwood_core::{Clock, SystemClock, SystemIds};
use boxwood_ingest::PARSER_VERSION;
use boxwood_server::listen::{Addresses, Server};
use boxwood_server::tls::{self, CurrentCertificate, TlsFiles};
use boxwood_server::usage::restore_budgets;
use boxwood_server::{AppParts, AppState, development, seal};
use boxwood_store::{Seed, SqliteStore, Store, StoreOptions};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often leftovers are swept.
const UPKEEP: Duration = Duration::from_secs(3_600);
/// How long the engine may take to write what it read to disk.
const ENGINE_GRACE: Duration = Duration::from_secs(20);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Load the model at once instead of at the first question.
    #[arg(long)]
    warm: bool,
    /// Record the traffic with models to this cassette.
    #[arg(long, value_name = "FILE", group = "cassette")]
    record: Option<PathBuf>,
    /// Play this cassette back instead of asking models.
    #[arg(long, value_name = "FILE", group = "cassette")]
    replay: Option<PathBuf>,
    /// Play this cassette back, and ask and record what it lacks.
    #[arg(long, value_name = "FILE", group = "cassette")]
    extend: Option<PathBuf>,
}

/// Runs the verb until SIGTERM or Ctrl-C.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = common.load()?;
    let cassettes = [&arguments.record, &arguments.replay, &arguments.extend];
    if cassettes.into_iter().any(Option::is_some) {
        config.models.record.clone_from(&arguments.record);
        config.models.replay.clone_from(&arguments.replay);
        config.models.extend.clone_from(&arguments.extend);
    }
    logs::start(config.json_logs);
    let options = StoreOptions {
        max_file_size: config.server.limits.upload_bytes,
        parser_version: PARSER_VERSION,
        answer_retention: config.keep.answers,
        response_retention: config.keep.responses,
        event_retention: config.keep.events,
        usage_retention: config.keep.usage,
        ..StoreOptions::new(&config.data)
    };
    let store: Arc<dyn Store> = Arc::new(
        SqliteStore::open(options)
            .await
            .context("the data folder can't be opened")?,
    );
    let parts = parts::build(&config, Arc::clone(&store))?;
    restore_budgets(&parts.meter, store.as_ref(), SystemClock.now())
        .await
        .context("what models were used for before can't be read")?;
    let certificates = Certificates::open(&config)?;
    let identity = identity_lines(&config, store.as_ref()).await?;
    let stop = CancellationToken::new();
    let mut settings = config.server.clone();
    settings.seal_secret = Some(seal::kept_secret(&config.data, &SystemIds)?);
    let state = AppState::new(AppParts {
        store: Arc::clone(&store),
        asker: parts.service.clone(),
        models: parts.service.models().clone(),
        library: Arc::clone(parts.service.library()),
        meter: parts.meter.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        settings,
        stop: stop.clone(),
    });
    let https = match config.https {
        Some(address) => Some((address, certificates.current.config()?)),
        None => None,
    };
    let server = Server::bind(
        state,
        Addresses {
            http: config.http,
            https,
        },
    )
    .await?;
    say_where(&server, &identity, &parts);
    let work = start_work(&config, &parts, store.clone(), certificates, &stop);
    if arguments.warm
        && let Some(engine) = &parts.engine
    {
        engine.warm_up().await?;
    }
    let ended = server.run(asked_to_stop()).await;
    stop.cancel();
    work.close();
    work.wait().await;
    if let Some(engine) = &parts.engine {
        engine.shutdown(ENGINE_GRACE).await;
    }
    store.close().await;
    output::note(if ended.gracefully {
        "Stopped."
    } else {
        "Stopped; answers that still ran were cancelled."
    });
    Ok(ExitCode::SUCCESS)
}

/// The certificate files with what is served from them.
struct Certificates {
    files: TlsFiles,
    current: Arc<CurrentCertificate>,
}

impl Certificates {
    fn open(config: &Config) -> anyhow::Result<Self> {
        let files = TlsFiles::open_or_make(&config.tls_dir(), chrono::Utc::now())?;
        let current = CurrentCertificate::load(&files.server_certificate(), &files.server_key())?;
        Ok(Self { files, current })
    }
}

/// Makes the configured identity, or the development one; gives the lines that tell about it.
async fn identity_lines(config: &Config, store: &dyn Store) -> anyhow::Result<Vec<String>> {
    if config.server.development {
        let made = development::prepare(store, &config.data).await?;
        return Ok(vec![
            "client id boxwood-dev · client secret boxwood-dev-secret · developer token boxwood-dev-token"
                .to_owned(),
            format!(
                "enterprise {} · admin user {} · service account {}",
                made.seeded.enterprise.id, made.seeded.admin.id, made.seeded.service_account.id
            ),
            format!("JWT configuration for SDKs: {}", made.config_file.display()),
        ]);
    }
    let Some(identity) = &config.identity else {
        return Ok(Vec::new());
    };
    let seeded = store.seed(seed(identity)).await?;
    Ok(vec![format!(
        "client id {} · enterprise {}",
        identity.client_id, seeded.enterprise.id
    )])
}

fn seed(identity: &Identity) -> Seed {
    use secrecy::ExposeSecret;
    Seed {
        enterprise_name: identity.enterprise_name.clone(),
        admin_name: identity.admin_name.clone(),
        admin_login: identity.admin_login.clone(),
        client_id: identity.client_id.clone(),
        client_secret: identity.client_secret.expose_secret().to_owned(),
        client_keys: Vec::new(),
        redirect_uris: identity.redirect_uris.clone(),
        developer_token: None,
    }
}

fn say_where(server: &Server, identity: &[String], parts: &Parts) {
    output::note(format_args!(
        "Boxwood {} answers the Box API at",
        env!("CARGO_PKG_VERSION")
    ));
    for (scheme, address) in [("http", server.http_address()), ("https", server.https_address())] {
        if let Some(address) = address {
            output::note(format_args!("  {scheme}://{address}"));
        }
    }
    for line in identity {
        output::note(format_args!("  {line}"));
    }
    output::note(match &parts.engine {
        Some(_) => "  The model is loaded at the first question.",
        None => "  No local model is installed: run `boxwood models pull`.",
    });
}

/// Background work that ends with the server: parse jobs, upkeep.
fn start_work(
    config: &Config,
    parts: &Parts,
    store: Arc<dyn Store>,
    certificates: Certificates,
    stop: &CancellationToken,
) -> TaskTracker {
    let work = TaskTracker::new();
    for _ in 0..config.ingest.workers {
        let library = Arc::clone(parts.service.library());
        let stop = stop.clone();
        work.spawn(async move { library.serve_jobs(&stop).await });
    }
    let Certificates { files, current } = certificates;
    work.spawn(tls::keep_fresh(
        current,
        files,
        Arc::new(SystemClock),
        stop.clone(),
    ));
    let stop = stop.clone();
    work.spawn(async move {
        loop {
            if let Err(error) = store.sweep().await {
                tracing::warn!(%error, "leftovers could not be swept");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP) => {}
            }
        }
    });
    work
}

/// Ends at SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}
