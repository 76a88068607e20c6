//! all-MiniLM-L6-v2 from its published files to a file that llama.cpp runs.
//!
//! The model is published as `model.safetensors` (32-bit numbers, 91 MB) and `vocab.txt`. It is converted once, matrices
//! to 8 bits, into the cache folder (25 MB). Invariants: a converted file appears whole or not at all (written under
//! another name, then renamed), is named after what it was made from, and its check sum is proven before each load; a
//! file that fails is made again. Called only by `embed_thread`.

use crate::minilm_gguf::{GgufWriter, TensorKind, Value};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Changes whenever the same source would be converted to other bytes.
const CONVERTER_VERSION: u32 = 1;
/// Attention heads of the architecture; the shapes of the tensors do not tell.
const HEADS: u32 = 12;
/// No published file of this model has a longer table of contents.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Why there is no model to load.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("the file {} is missing: run `boxwood models pull all-minilm-l6-v2`", path.display())]
    Missing { path: PathBuf },
    #[error("the file {} can't be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the file {} is not the model that it should be ({reason}): run `boxwood models verify`", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("the converted model can't be written to {}: {source}", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// The converted file, made now if it is not there whole.
pub(crate) fn converted(model_dir: &Path, cache_dir: &Path) -> Result<PathBuf, ConvertError> {
    let weights = model_dir.join("model.safetensors");
    let vocabulary = model_dir.join("vocab.txt");
    let mut source = SafeTensors::open(&weights)?;
    let words = read_vocabulary(&vocabulary)?;
    let target = cache_dir.join(format!(
        "minilm-l6-v2-q8_0-v{CONVERTER_VERSION}-{}.gguf",
        hex::encode(&source.fingerprint(&words)[..8])
    ));
    if is_whole(&target) {
        return Ok(target);
    }
    let started = std::time::Instant::now();
    let bytes = convert(&mut source, &words)?;
    write_atomically(&target, &bytes)?;
    tracing::info!(file = %target.display(), bytes = bytes.len(), seconds = started.elapsed().as_secs_f64(), "the embedding model was converted");
    Ok(target)
}

fn sum_path(target: &Path) -> PathBuf {
    target.with_extension("gguf.sha256")
}

fn is_whole(target: &Path) -> bool {
    let (Ok(bytes), Ok(sum)) = (std::fs::read(target), std::fs::read_to_string(sum_path(target))) else {
        return false;
    };
    sum.trim() == hex::encode(Sha256::digest(&bytes))
}

fn write_atomically(target: &Path, bytes: &[u8]) -> Result<(), ConvertError> {
    let unwritable = |source| ConvertError::Unwritable {
        path: target.to_path_buf(),
        source,
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let sum = hex::encode(Sha256::digest(bytes));
    for (path, content) in [(target.to_path_buf(), bytes), (sum_path(target), sum.as_bytes())] {
        let partial = path.with_extension(format!("partial-{}", std::process::id()));
        let written = File::create(&partial)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&partial, &path));
        if let Err(error) = written {
            // The error above is the one to tell; what is left of the file is only in the way.
            let _ = std::fs::remove_file(&partial);
            return Err(unwritable(error));
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, ConvertError> {
    File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ConvertError::Missing {
            path: path.to_path_buf(),
        },
        _ => unreadable(path, source),
    })
}

fn unreadable(path: &Path, source: std::io::Error) -> ConvertError {
    ConvertError::Unreadable {
        path: path.to_path_buf(),
        source,
    }
}

fn read_vocabulary(path: &Path) -> Result<Vec<String>, ConvertError> {
    let mut text = String::new();
    open(path)?
        .take(MAX_HEADER_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| unreadable(path, source))?;
    let words: Vec<String> = text.lines().map(str::to_owned).collect();
    for (index, expected) in [(0, "[PAD]"), (100, "[UNK]"), (101, "[CLS]"), (102, "[SEP]")] {
        if words.get(index).map(String::as_str) != Some(expected) {
            return Err(ConvertError::Broken {
                path: path.to_path_buf(),
                reason: format!("line {} is not {expected}", index + 1),
            });
        }
    }
    Ok(words)
}

/// A tensor's row in the table of contents.
#[derive(Debug, Deserialize)]
struct TensorEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// An open file of tensors, read one at a time.
struct SafeTensors {
    path: PathBuf,
    file: File,
    data_start: u64,
    header: Vec<u8>,
    length: u64,
    tensors: BTreeMap<String, TensorEntry>,
}

impl SafeTensors {
    fn open(path: &Path) -> Result<Self, ConvertError> {
        let mut file = open(path)?;
        let broken = |reason: String| ConvertError::Broken {
            path: path.to_path_buf(),
            reason,
        };
        let length = file.metadata().map_err(|source| unreadable(path, source))?.len();
        let mut size = [0u8; 8];
        file.read_exact(&mut size)
            .map_err(|_| broken("it is too short".into()))?;
        let size = u64::from_le_bytes(size);
        if size > MAX_HEADER_BYTES || size + 8 > length {
            return Err(broken(format!("its table of contents would have {size} bytes")));
        }
        let mut header = vec![0u8; size as usize];
        file.read_exact(&mut header)
            .map_err(|source| unreadable(path, source))?;
        let values: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&header)
            .map_err(|error| broken(format!("its table of contents is damaged: {error}")))?;
        let tensors = values
            .into_iter()
            .filter(|(name, _)| name != "__metadata__")
            .map(|(name, value)| serde_json::from_value(value).map(|entry| (name, entry)))
            .collect::<Result<_, _>>()
            .map_err(|error| broken(format!("its table of contents is damaged: {error}")))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            data_start: size + 8,
            header,
            length,
            tensors,
        })
    }

    /// Of the table of contents, the length and the vocabulary: cheap, and other for another model. That the numbers
    /// themselves are the published ones was proven when the model was pulled.
    fn fingerprint(&self, words: &[String]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(&self.header);
        hash.update(self.length.to_le_bytes());
        for word in words {
            hash.update(word.as_bytes());
            hash.update(b"\n");
        }
        hash.finalize().into()
    }

    fn broken(&self, reason: String) -> ConvertError {
        ConvertError::Broken {
            path: self.path.clone(),
            reason,
        }
    }

    fn shape(&self, name: &str) -> Result<&[u64], ConvertError> {
        self.tensors
            .get(name)
            .map(|entry| entry.shape.as_slice())
            .ok_or_else(|| self.broken(format!("it has no tensor {name}")))
    }

    /// Shape (outermost first) and numbers of a tensor.
    fn read(&mut self, name: &str) -> Result<(Vec<u64>, Vec<f32>), ConvertError> {
        let shape = self.shape(name)?.to_vec();
        let Some(entry) = self.tensors.get(name) else {
            return Err(self.broken(format!("it has no tensor {name}")));
        };
        let (start, end) = entry.data_offsets;
        let count = shape
            .iter()
            .try_fold(1u64, |product, &side| product.checked_mul(side));
        let fits = end
            .checked_add(self.data_start)
            .is_some_and(|end| end <= self.length);
        if entry.dtype != "F32"
            || !fits
            || count.and_then(|count| count.checked_mul(4)) != end.checked_sub(start)
        {
            return Err(self.broken(format!("the tensor {name} has another type or size than told")));
        }
        let mut bytes = vec![0u8; (end - start) as usize];
        self.file
            .seek(SeekFrom::Start(self.data_start + start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| unreadable(&self.path, source))?;
        let numbers = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|number| f32::from_le_bytes(*number))
            .collect();
        Ok((shape, numbers))
    }
}

/// Tensors outside the layers: their published and their llama.cpp names.
const OUTER_TENSORS: &[(&str, &str, TensorKind)] = &[
    (
        "embeddings.word_embeddings.weight",
        "token_embd.weight",
        TensorKind::Q8_0,
    ),
    (
        "embeddings.position_embeddings.weight",
        "position_embd.weight",
        TensorKind::F32,
    ),
    (
        "embeddings.token_type_embeddings.weight",
        "token_types.weight",
        TensorKind::F32,
    ),
    (
        "embeddings.LayerNorm.weight",
        "token_embd_norm.weight",
        TensorKind::F32,
    ),
    (
        "embeddings.LayerNorm.bias",
        "token_embd_norm.bias",
        TensorKind::F32,
    ),
];

/// Tensors of each layer, without `.weight` and `.bias`, and whether the weight is a matrix.
const LAYER_TENSORS: &[(&str, &str, bool)] = &[
    ("attention.self.query", "attn_q", true),
    ("attention.self.key", "attn_k", true),
    ("attention.self.value", "attn_v", true),
    ("attention.output.dense", "attn_output", true),
    ("attention.output.LayerNorm", "attn_output_norm", false),
    ("intermediate.dense", "ffn_up", true),
    ("output.dense", "ffn_down", true),
    ("output.LayerNorm", "layer_output_norm", false),
];

fn convert(source: &mut SafeTensors, words: &[String]) -> Result<Vec<u8>, ConvertError> {
    let layers = (0..64)
        .take_while(|layer| {
            source
                .shape(&format!("encoder.layer.{layer}.output.dense.weight"))
                .is_ok()
        })
        .count() as u32;
    let vocabulary = source.shape("embeddings.word_embeddings.weight")?.to_vec();
    let [rows, width] = vocabulary.as_slice() else {
        return Err(source.broken("its word vectors are no matrix".into()));
    };
    if *rows != words.len() as u64 || layers == 0 {
        return Err(source.broken(format!(
            "it has {layers} layers and {rows} words, the vocabulary {}",
            words.len()
        )));
    }
    let mut writer = GgufWriter::new();
    let width = *width as u32;
    write_settings(source, &mut writer, layers, width)?;
    write_tokens(&mut writer, words);
    for (published, name, kind) in OUTER_TENSORS {
        let (shape, numbers) = source.read(published)?;
        writer.tensor(name, &shape, *kind, &numbers);
    }
    for layer in 0..layers {
        for (published, name, matrix) in LAYER_TENSORS {
            let kind = if *matrix {
                TensorKind::Q8_0
            } else {
                TensorKind::F32
            };
            let (shape, numbers) = source.read(&format!("encoder.layer.{layer}.{published}.weight"))?;
            writer.tensor(&format!("blk.{layer}.{name}.weight"), &shape, kind, &numbers);
            let (shape, numbers) = source.read(&format!("encoder.layer.{layer}.{published}.bias"))?;
            writer.tensor(
                &format!("blk.{layer}.{name}.bias"),
                &shape,
                TensorKind::F32,
                &numbers,
            );
        }
    }
    Ok(writer.finish())
}

fn write_settings(
    source: &SafeTensors,
    writer: &mut GgufWriter,
    layers: u32,
    width: u32,
) -> Result<(), ConvertError> {
    let side = |name: &str| -> Result<u32, ConvertError> {
        source
            .shape(name)?
            .first()
            .map(|&side| side as u32)
            .ok_or_else(|| source.broken(format!("{name} has no shape")))
    };
    let positions = side("embeddings.position_embeddings.weight")?;
    let feed_forward = side("encoder.layer.0.intermediate.dense.weight")?;
    let kinds = side("embeddings.token_type_embeddings.weight")?;
    let settings = [
        ("general.architecture", Value::Text("bert")),
        ("general.name", Value::Text("all-MiniLM-L6-v2")),
        ("bert.context_length", Value::U32(positions)),
        ("bert.embedding_length", Value::U32(width)),
        ("bert.block_count", Value::U32(layers)),
        ("bert.feed_forward_length", Value::U32(feed_forward)),
        ("bert.attention.head_count", Value::U32(HEADS)),
        ("bert.attention.layer_norm_epsilon", Value::F32(1e-12)),
        ("bert.attention.causal", Value::Bool(false)),
        // Mean over the tokens.
        ("bert.pooling_type", Value::U32(1)),
        ("tokenizer.ggml.model", Value::Text("bert")),
        ("tokenizer.ggml.token_type_count", Value::U32(kinds)),
        ("tokenizer.ggml.bos_token_id", Value::U32(101)),
        ("tokenizer.ggml.cls_token_id", Value::U32(101)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(100)),
        ("tokenizer.ggml.seperator_token_id", Value::U32(102)),
        ("tokenizer.ggml.padding_token_id", Value::U32(0)),
        ("tokenizer.ggml.mask_token_id", Value::U32(103)),
    ];
    for (name, value) in settings {
        writer.setting(name, &value);
    }
    Ok(())
}

/// WordPiece marks the pieces inside a word (`##ing`); llama.cpp marks the beginnings of words instead.
fn write_tokens(writer: &mut GgufWriter, words: &[String]) {
    const NORMAL: i32 = 1;
    const CONTROL: i32 = 3;
    let is_control = |word: &str| word.starts_with('[') && word.ends_with(']') && word.len() > 2;
    let tokens: Vec<String> = words
        .iter()
        .map(|word| match word.strip_prefix("##") {
            _ if is_control(word) => word.clone(),
            Some(inner) if !inner.is_empty() => inner.to_owned(),
            _ => format!("\u{2581}{word}"),
        })
        .collect();
    let kinds = words
        .iter()
        .map(|word| if is_control(word) { CONTROL } else { NORMAL })
        .collect();
    writer.setting("tokenizer.ggml.tokens", &Value::Texts(tokens));
    writer.setting("tokenizer.ggml.token_type", &Value::I32s(kinds));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_damaged_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let check = |expected: &str| {
            let error = converted(folder.path(), &folder.path().join("cache"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("boxwood models pull");
        std::fs::write(folder.path().join("model.safetensors"), b"abc").unwrap();
        check("too short");
        std::fs::write(folder.path().join("model.safetensors"), u64::MAX.to_le_bytes()).unwrap();
        check("table of contents");
        let mut empty = 2u64.to_le_bytes().to_vec();
        empty.extend(b"{}");
        std::fs::write(folder.path().join("model.safetensors"), empty).unwrap();
        check("vocab.txt is missing");
        std::fs::write(folder.path().join("vocab.txt"), "[PAD]\na\n").unwrap();
        check("line 101 is not [UNK]");
        let words: Vec<String> = (0..103)
            .map(|line| match line {
                0 => "[PAD]".into(),
                100 => "[UNK]".into(),
                101 => "[CLS]".into(),
                102 => "[SEP]".into(),
                _ => format!("w{line}"),
            })
            .collect();
        std::fs::write(folder.path().join("vocab.txt"), words.join("\n")).unwrap();
        check("no tensor embeddings.word_embeddings.weight");
    }

    #[test]
    fn a_changed_converted_file_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model.gguf");
        write_atomically(&target, b"numbers").unwrap();
        assert!(is_whole(&target));
        std::fs::write(&target, b"numberz").unwrap();
        assert!(!is_whole(&target));
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no partial file is left"
        );
    }
}
