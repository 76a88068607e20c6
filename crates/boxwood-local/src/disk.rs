//! Documents kept between runs: one file for each, holding the attention state after the document was read.
//!
//! Invariant: a file is used only if its key and checksum are right. The key covers the partition, the model file, the
//! library build, the settings that shape the state and every token, so another model or another enterprise never finds
//! it. Files appear whole (written aside, synced, renamed). Losing or damaging a file costs time, never an answer.
//! Called by `scheduler`; checksums and syncing run on a thread of their own, so that answers don't wait for them.
//!
//! A file is: the library's own sequence state, then 8 bytes of [`MAGIC`], 32 of the key, 32 of the SHA-256 of all that
//! stands before.

use crate::config::PrefixCacheConfig;
use crate::prompt::PromptPrefix;
use crate::status::Counters;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

const MAGIC: [u8; 8] = *b"BXWPFX01";
const TRAILER: u64 = 8 + 32 + 32;
const EXTENSION: &str = "prefix";
const UNFINISHED: &str = "unfinished";

/// Identifies a saved document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

/// What was found for a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// Was there, but not as it was written; it is removed.
    Damaged,
    /// Whole: load it.
    File(PathBuf),
}

/// The folder of saved documents.
#[derive(Debug)]
pub(crate) struct DiskCache {
    dir: PathBuf,
    settings: [u8; 32],
    work: Option<Sender<(PathBuf, Key)>>,
    writer: Option<JoinHandle<()>>,
    next_name: u64,
}

impl DiskCache {
    /// Opens the folder. `settings` covers everything but the document that shapes a state.
    pub fn open(config: &PrefixCacheConfig, settings: [u8; 32], saves: Arc<AtomicU64>) -> io::Result<Self> {
        make_private_folder(&config.dir)?;
        remove_unfinished(&config.dir)?;
        let (work, todo) = mpsc::channel();
        let (dir, max_bytes) = (config.dir.clone(), config.max_bytes);
        let writer = std::thread::Builder::new()
            .name("boxwood-prefix".to_owned())
            .spawn(move || write_all(&dir, max_bytes, &todo, &saves))?;
        Ok(Self {
            dir: config.dir.clone(),
            settings,
            work: Some(work),
            writer: Some(writer),
            next_name: 0,
        })
    }

    /// The key of a document.
    pub fn key(&self, prefix: &PromptPrefix) -> Key {
        let mut hash = Sha256::new();
        hash.update(MAGIC);
        hash.update(self.settings);
        hash.update((prefix.partition.len() as u64).to_le_bytes());
        hash.update(prefix.partition.as_bytes());
        for token in prefix.tokens.iter() {
            hash.update(token.0.to_le_bytes());
        }
        Key(hash.finalize().into())
    }

    /// Looks for a document and checks it; marks it as used.
    pub fn find(&self, key: Key) -> Found {
        let path = self.path(key);
        match check(&path, key) {
            Ok(true) => {
                // The time of last use is what the size bound goes by; a read-only folder only makes that less exact.
                let _ = File::options()
                    .append(true)
                    .open(&path)
                    .and_then(|file| file.set_modified(SystemTime::now()));
                Found::File(path)
            }
            Ok(false) => {
                self.forget(key);
                Found::Damaged
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a saved document can't be read");
                self.forget(key);
                Found::Damaged
            }
        }
    }

    /// Removes a document.
    pub fn forget(&self, key: Key) {
        let path = self.path(key);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %path.display(), %error, "a saved document can't be removed");
        }
    }

    /// A private, empty file to which a state may be written.
    pub fn unfinished_file(&mut self) -> io::Result<PathBuf> {
        self.next_name += 1;
        let name = format!("{}-{}.{UNFINISHED}", std::process::id(), self.next_name);
        let path = self.dir.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?;
        Ok(path)
    }

    /// Hands a written state to the writer, which seals it and gives it its name.
    pub fn commit(&self, unfinished: PathBuf, key: Key) {
        if let Some(work) = &self.work {
            // The writer ends only with us.
            let _ = work.send((unfinished, key));
        }
    }

    fn path(&self, key: Key) -> PathBuf {
        path_of(&self.dir, key)
    }
}

impl Drop for DiskCache {
    /// Waits until what was committed is on disk.
    fn drop(&mut self) {
        self.work = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of saved documents failed");
        }
    }
}

fn path_of(dir: &Path, key: Key) -> PathBuf {
    dir.join(hex::encode(key.0)).with_extension(EXTENSION)
}

fn make_private_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Removes what a crash left behind; a file of the last hour may belong to another process.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_unfinished = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == UNFINISHED);
        let is_old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > Duration::from_secs(3600)));
        if is_unfinished && is_old {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether the file is whole and belongs to the key.
fn check(path: &Path, key: Key) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let Some(body) = length.checked_sub(TRAILER) else {
        return Ok(false);
    };
    let mut trailer = [0; TRAILER as usize];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut trailer)?;
    if trailer[..8] != MAGIC || trailer[8..40] != key.0 {
        return Ok(false);
    }
    file.rewind()?;
    Ok(checksum(&mut file, body)?[..] == trailer[40..])
}

fn checksum(file: &mut File, length: u64) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut body = file.take(length);
    loop {
        let count = body.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..count]);
    }
}

fn write_all(dir: &Path, max_bytes: u64, todo: &Receiver<(PathBuf, Key)>, saves: &AtomicU64) {
    for (unfinished, key) in todo {
        let sealed = seal(&unfinished, key, max_bytes)
            .and_then(|_| make_room(dir, max_bytes, &unfinished))
            .and_then(|()| fs::rename(&unfinished, path_of(dir, key)))
            .and_then(|()| File::open(dir)?.sync_all());
        match sealed {
            Ok(()) => Counters::add(saves, 1),
            Err(error) => {
                tracing::warn!(folder = %dir.display(), %error, "a read document can't be saved; it will be read again after a restart");
                // Nothing more can be done for it: a later start removes it.
                let _ = fs::remove_file(&unfinished);
            }
        }
    }
}

/// Adds the trailer and brings the file to the disk.
fn seal(unfinished: &Path, key: Key, max_bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(unfinished)?;
    let body = file.metadata()?.len();
    if body + TRAILER > max_bytes {
        return Err(io::Error::other(format!(
            "it has {body} bytes, more than the {max_bytes} that the prefix cache may have"
        )));
    }
    let sum = checksum(&mut file, body)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(&MAGIC)?;
    file.write_all(&key.0)?;
    file.write_all(&sum)?;
    file.sync_all()
}

/// Removes the least recently used documents until the new one fits.
fn make_room(dir: &Path, max_bytes: u64, new: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
        {
            // A file that another process just removed needs no room.
            if let Ok(metadata) = entry.metadata() {
                files.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
    }
    files.sort();
    let mut total = fs::metadata(new)?.len() + files.iter().map(|(_, length, _)| length).sum::<u64>();
    for (_, length, path) in files {
        if total <= max_bytes {
            break;
        }
        match fs::remove_file(&path) {
            Ok(()) => total -= length,
            Err(error) if error.kind() == io::ErrorKind::NotFound => total -= length,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use llama_cpp_2::token::LlamaToken;
    use std::sync::atomic::Ordering;

    struct Fixture {
        folder: tempfile::TempDir,
        saves: Arc<AtomicU64>,
        max_bytes: u64,
    }

    impl Fixture {
        fn new(max_bytes: u64) -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                saves: Arc::default(),
                max_bytes,
            }
        }

        fn open(&self) -> DiskCache {
            let config = PrefixCacheConfig {
                dir: self.folder.path().join("prefixes"),
                max_bytes: self.max_bytes,
            };
            DiskCache::open(&config, [7; 32], Arc::clone(&self.saves)).unwrap()
        }

        /// Saves a body under the key of a document and waits until it is on disk.
        fn save(&self, document: i32, body: &[u8]) -> Key {
            let mut cache = self.open();
            let key = cache.key(&document_of("a", document));
            let path = cache.unfinished_file().unwrap();
            fs::write(&path, body).unwrap();
            cache.commit(path, key);
            drop(cache);
            key
        }
    }

    fn document_of(partition: &str, token: i32) -> PromptPrefix {
        PromptPrefix {
            tokens: [LlamaToken::new(token)].into(),
            partition: partition.to_owned(),
        }
    }

    #[test]
    fn a_saved_document_is_found_again_whole() {
        let fixture = Fixture::new(1 << 20);
        let key = fixture.save(1, b"state");
        let Found::File(path) = fixture.open().find(key) else {
            panic!("not found")
        };
        assert!(fs::read(path).unwrap().starts_with(b"state"));
        assert_eq!(fixture.saves.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn keys_differ_by_partition_document_and_settings() {
        let fixture = Fixture::new(1 << 20);
        let cache = fixture.open();
        let key = cache.key(&document_of("a", 1));
        assert_eq!(key, cache.key(&document_of("a", 1)));
        assert_ne!(key, cache.key(&document_of("b", 1)));
        assert_ne!(key, cache.key(&document_of("a", 2)));
        assert_eq!(cache.find(key), Found::Nothing);
    }

    #[test]
    fn any_changed_byte_is_noticed_and_the_file_removed() {
        let fixture = Fixture::new(1 << 20);
        let whole = b"state".len() + TRAILER as usize;
        for position in [0, 4, 6, 20, 50, whole - 1] {
            let key = fixture.save(1, b"state");
            let cache = fixture.open();
            let path = cache.path(key);
            let mut bytes = fs::read(&path).unwrap();
            assert_eq!(bytes.len(), whole);
            bytes[position] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(cache.find(key), Found::Damaged, "byte {position}");
            assert_eq!(cache.find(key), Found::Nothing, "byte {position}");
        }
        let key = fixture.save(1, b"state");
        let cache = fixture.open();
        fs::write(cache.path(key), b"short").unwrap();
        assert_eq!(cache.find(key), Found::Damaged);
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let fixture = Fixture::new(3 * (100 + TRAILER));
        let keys: Vec<Key> = (0..3).map(|document| fixture.save(document, &[0; 100])).collect();
        let cache = fixture.open();
        for (age, key) in [(300, keys[0]), (200, keys[1]), (100, keys[2])] {
            let file = File::options().append(true).open(cache.path(key)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age))
                .unwrap();
        }
        assert!(matches!(cache.find(keys[0]), Found::File(_)), "used now");
        let new = fixture.save(9, &[0; 100]);
        assert!(matches!(cache.find(keys[0]), Found::File(_)));
        assert_eq!(cache.find(keys[1]), Found::Nothing, "the oldest use");
        assert!(matches!(cache.find(keys[2]), Found::File(_)));
        assert!(matches!(cache.find(new), Found::File(_)));
    }

    #[test]
    fn a_document_larger_than_the_bound_removes_nothing() {
        let fixture = Fixture::new(100 + TRAILER);
        let small = fixture.save(1, &[0; 50]);
        let large = fixture.save(2, &[0; 101]);
        let cache = fixture.open();
        assert!(matches!(cache.find(small), Found::File(_)));
        assert_eq!(cache.find(large), Found::Nothing);
        let left = fs::read_dir(&cache.dir).unwrap().count();
        assert_eq!(left, 1, "nothing unfinished stays behind");
    }

    #[cfg(unix)]
    #[test]
    fn saved_documents_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let fixture = Fixture::new(1 << 20);
        let key = fixture.save(1, b"state");
        let cache = fixture.open();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache.dir), 0o700);
        assert_eq!(mode(&cache.path(key)), 0o600);
    }
}
