//! `boxwood doctor`: what this machine can run, what is missing, and the command that mends it.

use super::Common;
use crate::config::Config;
use crate::{output, parts};
use boxwood_models::pull;
use indicatif::HumanBytes;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, ExitCode};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// One thing that was looked at.
struct Finding {
    good: bool,
    what: String,
    mend: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self {
            good: true,
            what: what.into(),
            mend: None,
        }
    }

    fn missing(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            good: false,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }

    fn hint(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            good: true,
            what: what.into(),
            mend: Some(mend.into()),
        }
    }
}

/// Runs the verb: fails where something that is needed is missing.
pub async fn run(common: &Common, _arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = match common.load() {
        Ok(config) => config,
        Err(error) => {
            output::error(&error);
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut findings = vec![memory(&config), processor()];
    findings.extend(models(&config));
    findings.extend([python(), tesseract()]);
    findings.extend(
        [("http", config.http), ("https", config.https)].map(|(name, address)| listener(name, address)),
    );
    for finding in &findings {
        output::line(format_args!(
            "{} {}",
            if finding.good { "ok     " } else { "missing" },
            finding.what
        ));
        if let Some(mend) = &finding.mend {
            output::line(format_args!("        → {mend}"));
        }
    }
    let good = findings.iter().all(|finding| finding.good);
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Memory against the need of the configured model.
fn memory(config: &Config) -> Finding {
    let needed = parts::chat_model(config).memory;
    let Some(available) = available_memory() else {
        return Finding::hint(
            "memory: can't be read on this system",
            format!("{} are needed", HumanBytes(needed)),
        );
    };
    let what = format!(
        "memory: {} available, {} needed by the model",
        HumanBytes(available),
        HumanBytes(needed)
    );
    if available >= needed {
        Finding::good(what)
    } else {
        Finding::missing(
            what,
            "choose a smaller model: engine.model = \"boxwood__qwen2_5_coder_0_5b_instruct\"",
        )
    }
}

fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Finding::good(format!("processor: {cores} core(s), {}", std::env::consts::ARCH))
}

fn models(config: &Config) -> Vec<Finding> {
    let models_dir = config.models_dir();
    let finding = |model: &'static boxwood_models::CatalogModel| {
        let what = format!("model {} ({})", model.name, model.about);
        match pull::is_complete(model, &models_dir) {
            true => Finding::good(what),
            false => Finding::missing(what, format!("boxwood models pull {}", model.name)),
        }
    };
    parts::needed_models(config).into_iter().map(finding).collect()
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}

fn python() -> Finding {
    if answers("python3", &["-m", "pip", "--version"]) {
        Finding::good("python3 with pip (to pull models)")
    } else {
        Finding::hint(
            "python3 with pip is not here; only `boxwood models pull` needs it",
            "apt-get install python3-pip",
        )
    }
}

fn tesseract() -> Finding {
    if answers("tesseract", &["--version"]) {
        Finding::good("Tesseract (scans in Korean and Cyrillic)")
    } else {
        Finding::hint(
            "Tesseract is not here: scans in Korean and Cyrillic are not read",
            "apt-get install tesseract-ocr tesseract-ocr-kor tesseract-ocr-rus",
        )
    }
}

fn listener(name: &str, address: Option<SocketAddr>) -> Finding {
    let Some(address) = address else {
        return Finding::good(format!("{name}: off"));
    };
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(format!("{name}: {address} is free")),
        Err(error) => Finding::hint(
            format!("{name}: {address} is taken ({error})"),
            "a running `boxwood serve`? else choose another with --http / --https",
        ),
    }
}
