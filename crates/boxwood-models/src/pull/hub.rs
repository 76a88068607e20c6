//! Models from a hub that the user has configured: `{hub}/{repository}/resolve/main/{file}`, with `Range` to go on.
//!
//! Invariant: called only when a hub is configured; no key is sent.

use super::files::io;
use super::{Job, PullError};
use crate::catalog::HubSource;
use crate::host::HostLimits;
use crate::transport::{Reply, Transport};
use futures::StreamExt;
use http::StatusCode;
use std::path::Path;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use url::Url;

pub(super) async fn fetch(job: &Job<'_>, hub: &Url, source: &HubSource) -> Result<(), PullError> {
    let transport = Transport::for_downloads(&HostLimits::default(), &job.options.proxy)?;
    // A file that packages had begun is joined from parts, and goes on from any byte just as well.
    let mut done = 0;
    for index in &job.missing {
        let name = source.files[*index];
        let url = file_url(hub, source.repository, name).ok_or_else(|| PullError::Hub {
            file: name.to_owned(),
            reason: "`hub_url` makes no address of a file".into(),
        })?;
        fetch_file(job, &transport, url, *index, name, done).await?;
        job.install(*index).await?;
        done += job.model.files[*index].size;
    }
    Ok(())
}

fn file_url(hub: &Url, repository: &str, file: &str) -> Option<Url> {
    let mut url = hub.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(repository.split('/'))
        .extend(["resolve", "main"])
        .extend(file.split('/'));
    Some(url)
}

async fn fetch_file(
    job: &Job<'_>,
    transport: &Transport,
    url: Url,
    index: usize,
    name: &str,
    done_before: u64,
) -> Result<(), PullError> {
    let failed = |reason: String| PullError::Hub {
        file: name.to_owned(),
        reason,
    };
    let size = job.model.files[index].size;
    let partial = job.partial(index);
    let have = tokio::fs::metadata(&partial)
        .await
        .map_or(0, |metadata| metadata.len());
    let have = if have >= size { 0 } else { have };
    let reply = tokio::select! {
        reply = transport.get_from(url, have) => reply?,
        () = job.cancel.cancelled() => return Err(PullError::Cancelled),
    };
    let from = match reply.status {
        StatusCode::PARTIAL_CONTENT => have,
        StatusCode::OK => 0,
        status => return Err(failed(format!("HTTP {}", status.as_u16()))),
    };
    copy(job, reply, &partial, from, size, done_before)
        .await
        .map_err(|error| match error {
            PullError::Transport(error) => failed(error.to_string()),
            other => other,
        })
}

async fn copy(
    job: &Job<'_>,
    reply: Reply,
    partial: &Path,
    from: u64,
    size: u64,
    done_before: u64,
) -> Result<(), PullError> {
    let on_disk = |error| io(partial, error);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(partial)
        .await
        .map_err(on_disk)?;
    file.set_len(from).await.map_err(on_disk)?;
    tokio::io::AsyncSeekExt::seek(&mut file, std::io::SeekFrom::Start(from))
        .await
        .map_err(on_disk)?;
    let mut done = from;
    let mut pieces = std::pin::pin!(reply.pieces());
    let ended = loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = job.cancel.cancelled() => break Err(PullError::Cancelled),
        };
        match piece {
            None => break Ok(()),
            Some(Err(error)) => break Err(error.into()),
            Some(Ok(piece)) => {
                done += piece.len() as u64;
                // More than the model has is not the model; the check of the sum tells the rest.
                if done > size {
                    break Ok(());
                }
                file.write_all(&piece).await.map_err(on_disk)?;
                job.downloading(done_before + done);
            }
        }
    };
    // What came is kept, also when the transfer broke off: the next pull goes on from there.
    file.flush().await.map_err(on_disk)?;
    file.sync_data().await.map_err(on_disk)?;
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_hub() {
        let check = |hub: &str, expected: &str| {
            let url = file_url(&Url::parse(hub).unwrap(), "Owner/Name-GGUF", "model q4.gguf").unwrap();
            assert_eq!(url.as_str(), expected);
        };
        check(
            "https://hub.example",
            "https://hub.example/Owner/Name-GGUF/resolve/main/model%20q4.gguf",
        );
        check(
            "https://h.example/mirror/",
            "https://h.example/mirror/Owner/Name-GGUF/resolve/main/model%20q4.gguf",
        );
    }
}
