//! Measures what the server adds to a question: Boxwood against a bare JSON proxy, both before the same instant model.
//!
//! `cargo run --release -p boxwood-test --example bench_overhead -- BOXWOOD_BINARY [REQUESTS_PER_CLIENT] [ROUNDS]`
//!
//! Three processes beside this one, all on loopback: a stub that speaks the OpenAI dialect and answers at once; the bare
//! proxy (axum in, reqwest with kept connections out, JSON parsed both ways); the real program with its real listener,
//! store, log and answer service, bound to the stub. Sixteen clients with kept connections ask each in turn, so that
//! whatever else the machine does hits both. Every prompt is different: the server joins identical questions.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "overhead/load.rs"]
mod load;
#[path = "overhead/stub.rs"]
mod stub;

use load::{Figures, Target};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "boxwood-dev-token";
/// Times as long as through the proxy, at the 99th percentile.
const GOAL: f64 = 3.0;
const WARM_UP_REQUESTS: usize = 150;
/// How long the server may take to be ready.
const START: Duration = Duration::from_secs(30);

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // Another provider that is there already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let first = arguments
        .next()
        .ok_or("usage: bench_overhead BOXWOOD_BINARY [REQUESTS_PER_CLIENT] [ROUNDS]")?;
    match first.as_str() {
        "--stub" => stub::serve_model(),
        "--proxy" => stub::serve_proxy(arguments.next().ok_or("--proxy needs the stub's address")?),
        program => {
            let requests = arguments.next().map_or(Ok(200), |text| text.parse())?;
            let rounds = arguments.next().map_or(Ok(7), |text| text.parse())?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(compare(Path::new(program), requests, rounds))
        }
    }
}

async fn compare(program: &Path, requests: usize, rounds: usize) -> Outcome<()> {
    let stub = Helper::start(&["--stub"])?;
    let proxy = Helper::start(&["--proxy", &stub.address])?;
    let boxwood = Server::start(program, &stub.address).await?;
    let file = boxwood.upload().await?;
    let targets = [
        Target::new(format!("http://{}/ask", proxy.address), None, "1"),
        Target::new(format!("{}/2.0/ai/ask", boxwood.base), Some(TOKEN), &file),
    ];
    for target in &targets {
        println!("answer     {}", target.ask_once().await?);
        target.run(WARM_UP_REQUESTS).await?;
    }
    let mut figures: [Vec<Figures>; 2] = Default::default();
    for _ in 0..rounds {
        for (target, figures) in targets.iter().zip(&mut figures) {
            figures.push(target.run(requests).await?);
        }
    }
    report(&figures, requests, boxwood.peak_memory());
    Ok(())
}

fn report(figures: &[Vec<Figures>; 2], requests: usize, peak: Option<String>) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let rounds = figures[0].len();
    println!(
        "rounds     {rounds} of {} clients x {requests} requests each; medians of the rounds",
        load::CLIENTS
    );
    println!("load       {} (itself included)", load.trim());
    for (name, figures) in ["proxy", "boxwood"].iter().zip(figures) {
        let of = |part: fn(&Figures) -> f64| median(figures.iter().map(part).collect());
        println!(
            "{name:10} p50 {:7.3} ms   p99 {:7.3} ms   {:6.0} requests/s",
            of(|f| f.p50),
            of(|f| f.p99),
            of(|f| f.per_second)
        );
    }
    let ratio = |part: fn(&Figures) -> f64| {
        median(
            figures[1]
                .iter()
                .zip(&figures[0])
                .map(|(boxwood, proxy)| part(boxwood) / part(proxy))
                .collect(),
        )
    };
    println!("memory     boxwood peak {}", peak.unwrap_or_default());
    println!("p50 ratio  {:.2}", ratio(|f| f.p50));
    println!("p99 ratio  {:.2} (goal {GOAL:.1})", ratio(|f| f.p99));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A process that ends with this one.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // A benchmark that ends leaves no process behind; one that has ended already needs nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This program again, as stub or proxy.
struct Helper {
    address: String,
    _process: Process,
}

impl Helper {
    fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let process = Process(child);
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        match address.trim() {
            "" => Err("a helper process did not start".into()),
            address => Ok(Self {
                address: address.to_owned(),
                _process: process,
            }),
        }
    }
}

/// The real program over a new data folder.
struct Server {
    base: String,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start(program: &Path, stub: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("boxwood.toml");
        std::fs::write(&config, configuration(stub))?;
        let log = folder.path().join("log");
        let child = Command::new(program)
            .arg("serve")
            .args(["--http", "127.0.0.1:0", "--https", "off", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(folder.path().join("data"))
            .arg("--cache")
            .arg(folder.path().join("cache"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let process = Process(child);
        let began = Instant::now();
        while began.elapsed() < START {
            let text = std::fs::read_to_string(&log)?;
            let base = text.lines().find_map(|line| line.trim().strip_prefix("http://"));
            if let Some(base) = base.filter(|_| text.contains("developer token")) {
                return Ok(Self {
                    base: format!("http://{base}"),
                    process,
                    _folder: folder,
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!(
            "{} did not start: {}",
            program.display(),
            std::fs::read_to_string(&log)?
        )
        .into())
    }

    /// Uploads the small file and answers its id.
    async fn upload(&self) -> Outcome<String> {
        let attributes = json!({"name": "lease.txt", "parent": {"id": "0"}});
        let boundary = "boxwood-bench";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{attributes}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"lease.txt\"\r\nContent-Type: text/plain\r\n\r\n\
             {}\r\n--{boundary}--\r\n",
            load::DOCUMENT
        );
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .post(format!("{}/api/2.0/files/content", self.base))
            .bearer_auth(TOKEN)
            .header(
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            )
            .body(body)
            .send()
            .await?;
        let body: Value = response.json().await?;
        let id = body["entries"][0]["id"]
            .as_str()
            .ok_or_else(|| format!("the upload failed: {body}"))?;
        Ok(id.to_owned())
    }

    /// The largest resident memory so far.
    fn peak_memory(&self) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).ok()?;
        Some(
            status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?
                .trim()
                .to_owned(),
        )
    }
}

fn configuration(stub: &str) -> String {
    format!(
        "[models]\ndefault = \"stub\"\n[models.bindings.\"stub\"]\nhost = \"openai_compatible\"\n\
         base_url = \"http://{stub}/v1\"\nmodel = \"stub\"\nfamily = \"compatible\"\nmax_concurrent = 64\n"
    )
}
