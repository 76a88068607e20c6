//! A `boxwood serve` of its own for a test: own data folder, free ports, a stub model on loopback or the default model.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the program may take until it answers.
const START: Duration = Duration::from_secs(30);

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A child process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server that answers.
pub struct Server {
    process: Running,
    _model: Option<Running>,
    folder: TempDir,
    pub http: SocketAddr,
    pub https: SocketAddr,
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts the stub of `tests/sdk/model.py`, and gives its port.
pub fn start_model() -> (Running, u16) {
    let script = repository().join("tests/sdk/model.py");
    let mut process = Command::new("python3")
        .arg(script)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (
        Running(process),
        line.trim().parse().expect("the model prints its port"),
    )
}

/// The configuration that lets the stub answer.
pub fn stub_config(model_port: u16) -> String {
    format!(
        "[models]\ndefault = \"sdk-suite\"\n[models.bindings.\"sdk-suite\"]\ncustom = true\n\
         host = \"openai_compatible\"\nbase_url = \"http://127.0.0.1:{model_port}/v1\"\nmodel = \"overlap\"\nfamily = \"compatible\"\n\
         json_schema = \"full\"\n"
    )
}

/// The cache folder that `boxwood models pull` fills.
fn shared_cache() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/boxwood"));
    std::env::var_os("BOXWOOD_CACHE").map(PathBuf::from).or(home)
}

/// Lets a cache folder of its own have a folder of the shared one, if that is there.
fn link_from_shared_cache(cache: &Path, name: &str) {
    let Some(installed) = shared_cache()
        .map(|shared| shared.join(name))
        .filter(|path| path.exists())
    else {
        return;
    };
    let link = cache.join(name);
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(installed, link).unwrap();
}

impl Server {
    /// Starts one with a stub model. `limits` are shell commands that run before the program does, such as
    /// `ulimit -f 4096`.
    pub fn start(limits: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (model, model_port) = start_model();
        let config = stub_config(model_port);
        // The default agent names the embedder.
        link_from_shared_cache(&folder.path().join("cache"), "models/minilm");
        Self::run(folder, &config, limits, Some(model))
    }

    /// Starts one whose answers come from the default model, in its process; `boxwood models pull` must have been run.
    pub fn start_with_the_default_model() -> Self {
        let folder = TempDir::new().unwrap();
        link_from_shared_cache(&folder.path().join("cache"), "models");
        Self::run(folder, "", "", None)
    }

    fn run(folder: TempDir, config: &str, limits: &str, model: Option<Running>) -> Self {
        let config_file = folder.path().join("boxwood.toml");
        std::fs::write(&config_file, config).unwrap();
        let (http, https) = (free_address(), free_address());
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("bash")
            .arg("-c")
            .arg(format!("{limits}\nexec \"$0\" \"$@\""))
            .arg(env!("CARGO_BIN_EXE_boxwood"))
            .args([
                "serve",
                "--http",
                &http.to_string(),
                "--https",
                &https.to_string(),
                "--config",
            ])
            .arg(&config_file)
            .arg("--data")
            .arg(folder.path().join("data"))
            .arg("--cache")
            .arg(folder.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self {
            process: Running(process),
            _model: model,
            folder,
            http,
            https,
        };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + START;
        while !TcpStream::connect(self.http).is_ok_and(|_| self.get("/health", None).0 == 200) {
            let ended = self.process.0.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the server does not answer ({ended:?}):\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Everything that the server has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A file below the data folder by its name.
    pub fn data_file(&self, name: &str) -> PathBuf {
        let data = self.folder.path().join("data");
        find(&data, name).unwrap_or_else(|| panic!("{name} is not below {}", data.display()))
    }

    /// A value in kB of the process's status: `VmRSS`, `VmHWM`.
    pub fn memory_kb(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// A GET over plain HTTP: status and body.
    pub fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let authorization = token
            .map(|token| format!("Authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let mut stream = TcpStream::connect(self.http).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\n\r\n"
        )
        .unwrap();
        response(stream)
    }

    /// Uploads `size` bytes as a new file over plain HTTP, in one streamed form.
    pub fn upload(&self, name: &str, size: u64) -> (u16, String) {
        self.upload_as("boxwood-dev-token", name, size)
    }

    /// As [`Server::upload`], with another token. Everything is sent before the answer is read.
    pub fn upload_as(&self, token: &str, name: &str, size: u64) -> (u16, String) {
        let head = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n\
             {{\"name\":\"{name}\",\"parent\":{{\"id\":\"0\"}}}}\r\n\
             --cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n"
        );
        let tail = "\r\n--cut--\r\n";
        let length = head.len() as u64 + size + tail.len() as u64;
        let mut stream = TcpStream::connect(self.http).unwrap();
        write!(
            stream,
            "POST /2.0/files/content HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{head}"
        )
        .unwrap();
        let chunk: Vec<u8> = (0..1u32 << 20)
            .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut left = size;
        while left > 0 {
            let now = usize::try_from(left.min(chunk.len() as u64)).unwrap();
            stream.write_all(&chunk[..now]).unwrap();
            left -= now as u64;
        }
        stream.write_all(tail.as_bytes()).unwrap();
        response(stream)
    }
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    let here = entries
        .iter()
        .find(|path| path.file_name().is_some_and(|found| found == name));
    here.cloned().or_else(|| {
        entries
            .iter()
            .filter(|path| path.is_dir())
            .find_map(|path| find(path, name))
    })
}

fn response(mut stream: TcpStream) -> (u16, String) {
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let mut bytes = Vec::new();
    // A server that refuses may close before everything was read; what came until then counts.
    drop(stream.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    let body = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    (status, body)
}
