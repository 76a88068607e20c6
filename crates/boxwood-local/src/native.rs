//! The library's context, called directly: the only file of the workspace with `unsafe`.
//!
//! Why not the safe layer of `llama-cpp-2`: it can't change the number of threads of a context, and with a fixed number
//! a machine that is busy elsewhere brings the engine to a halt (the threads wait for each other by spinning; see
//! `pace`). Models and vocabularies stay with the safe layer.
//!
//! Invariant: every raw pointer in here lives as long as the value that owns it, and is used by one thread only (the
//! types are neither `Send` nor `Sync`). Called by `scheduler` and `choices`.

#![expect(
    unsafe_code,
    reason = "the safe layer of llama-cpp-2 does not cover what is needed here"
)]

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as raw;
use std::ffi::{CStr, CString, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::NonNull;
use std::time::Duration;

/// Why the library could not compute a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// Nothing was changed.
    #[error("the context has no room for the batch")]
    NoRoom,
    /// The sequences of the batch are in an unknown state.
    #[error("the engine library failed with code {0}")]
    Failed(i32),
}

/// Why a sequence could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("the path is not one that the engine library can open")]
    Path,
    #[error("the engine library could not write the state")]
    Write,
    #[error("the engine library could not load the state")]
    Load,
}

/// What a context is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextSettings {
    pub cells: u32,
    pub batch_tokens: u32,
    pub sequences: u32,
    pub threads: i32,
    pub compact_kv: bool,
    pub flash_attention: bool,
    /// Layer whose output [`Wanted::LogitsAndState`] gives.
    pub state_layer: Option<u32>,
}

/// The attention state of all sequences.
pub(crate) struct Context<'m> {
    context: NonNull<raw::llama_context>,
    vocabulary: usize,
    /// Dropped after the context, which knows its address.
    tap: Option<PinnedTap>,
    model: PhantomData<&'m LlamaModel>,
}

// `LlamaModel` is declared transparent over a non-null pointer to the library's model.
const _: () = assert!(size_of::<LlamaModel>() == size_of::<*mut raw::llama_model>());

impl<'m> Context<'m> {
    /// Makes a context, or `None` when there is no memory for it. One at a time: the library changes the model here.
    pub fn new(model: &'m LlamaModel, settings: &ContextSettings) -> Option<Self> {
        static ONE_AT_A_TIME: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock();
        // SAFETY: gives a plain value.
        let mut params = unsafe { raw::llama_context_default_params() };
        let kv_type = if settings.compact_kv {
            raw::GGML_TYPE_Q8_0
        } else {
            raw::GGML_TYPE_F16
        };
        params.n_ctx = settings.cells;
        params.n_batch = settings.batch_tokens;
        params.n_ubatch = settings.batch_tokens;
        params.n_seq_max = settings.sequences;
        params.n_threads = settings.threads;
        params.n_threads_batch = settings.threads;
        params.type_k = kv_type;
        params.type_v = kv_type;
        params.flash_attn_type = if settings.flash_attention {
            // Where the device that computes a layer has no kernel for it, the plain way: never layer by layer on the CPU.
            raw::LLAMA_FLASH_ATTN_TYPE_AUTO
        } else {
            raw::LLAMA_FLASH_ATTN_TYPE_DISABLED
        };
        // One buffer for all sequences: a prefix is copied by marking its cells, not by moving them.
        params.kv_unified = true;
        params.no_perf = true;
        let tap = settings
            .state_layer
            .and_then(|layer| Tap::new(layer, model))
            .map(PinnedTap::new);
        if let Some(tap) = &tap {
            params.cb_eval = Some(see_tensor);
            params.cb_eval_user_data = tap.0.as_ptr().cast();
        }
        // SAFETY: `LlamaModel` is `repr(transparent)` over the pointer that is read (its size is checked above), and the
        // model outlives the context by the lifetime `'m`.
        let context = unsafe {
            let model = *std::ptr::from_ref(model).cast::<*mut raw::llama_model>();
            raw::llama_init_from_model(model, params)
        };
        Some(Self {
            context: NonNull::new(context)?,
            vocabulary: usize::try_from(model.n_vocab()).ok()?,
            tap,
            model: PhantomData,
        })
    }

    /// Threads for the batches that follow.
    pub fn set_threads(&mut self, threads: i32) {
        // SAFETY: the context is alive; a plain setting.
        unsafe { raw::llama_set_n_threads(self.context.as_ptr(), threads, threads) }
    }

    /// Computes a batch.
    pub fn decode(&mut self, batch: &mut Batch) -> Result<(), DecodeError> {
        let mut sequences: Vec<*mut i32> = batch.sequences.iter_mut().map(std::ptr::from_mut).collect();
        let view = raw::llama_batch {
            n_tokens: batch.len(),
            token: batch.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: batch.positions.as_mut_ptr(),
            n_seq_id: batch.sequence_counts.as_mut_ptr(),
            seq_id: sequences.as_mut_ptr(),
            logits: batch.outputs.as_mut_ptr(),
        };
        if let Some(PinnedTap(tap)) = &mut self.tap {
            // SAFETY: only this thread uses the tap, and the library only while it decodes.
            let tap = unsafe { tap.as_mut() };
            tap.wanted.clone_from(&batch.states);
            tap.states.clear();
        }
        // SAFETY: every array has `n_tokens` elements and lives until the call returns; the library copies them.
        match unsafe { raw::llama_decode(self.context.as_ptr(), view) } {
            0 => Ok(()),
            1 => Err(DecodeError::NoRoom),
            code => Err(DecodeError::Failed(code)),
        }
    }

    /// The logits of the token with this index in the last batch, or `None` if it was no output.
    pub fn logits(&self, index: i32) -> Option<&[f32]> {
        // SAFETY: the library checks the index and gives null for a wrong one; the row has one number for each word of
        // the vocabulary and stays until the next batch, which needs `&mut self`.
        unsafe {
            let row = raw::llama_get_logits_ith(self.context.as_ptr(), index);
            (!row.is_null()).then(|| std::slice::from_raw_parts(row, self.vocabulary))
        }
    }

    /// The state of the token with this index in the last batch, or `None` if none was wanted or the context has no tap.
    pub fn state(&self, index: i32) -> Option<&[f32]> {
        // SAFETY: only this thread uses the tap, and the library only while it decodes, which needs `&mut self`.
        let tap = unsafe { self.tap.as_ref()?.0.as_ref() };
        let place = tap.wanted.iter().position(|wanted| *wanted == index)?;
        tap.states.get(place * tap.width..(place + 1) * tap.width)
    }

    /// Copies the first `length` positions of a sequence to another.
    pub fn copy(&mut self, from: i32, to: i32, length: i32) {
        // SAFETY: the context is alive; both are sequences of this context by the scheduler's count.
        unsafe {
            let memory = raw::llama_get_memory(self.context.as_ptr());
            raw::llama_memory_seq_cp(memory, from, to, 0, length);
        }
    }

    /// Empties a sequence.
    pub fn clear(&mut self, sequence: i32) {
        // SAFETY: as above. Removing a whole sequence can't fail, so that the answer tells nothing.
        unsafe {
            let memory = raw::llama_get_memory(self.context.as_ptr());
            raw::llama_memory_seq_rm(memory, sequence, -1, -1);
        }
    }

    /// Writes a sequence and its tokens to a file.
    pub fn save(&self, path: &Path, sequence: i32, tokens: &[LlamaToken]) -> Result<(), StateError> {
        let path = c_path(path)?;
        let tokens: Vec<i32> = tokens.iter().map(|token| token.0).collect();
        // SAFETY: the pointers live until the call returns, and the count is that of the tokens.
        let written = unsafe {
            raw::llama_state_seq_save_file(
                self.context.as_ptr(),
                path.as_ptr(),
                sequence,
                tokens.as_ptr(),
                tokens.len(),
            )
        };
        if written == 0 {
            Err(StateError::Write)
        } else {
            Ok(())
        }
    }

    /// Loads a sequence of at most so many tokens from a file whose checksum was verified; gives its tokens. The library
    /// trusts the file's contents, so a damaged one must never come here.
    pub fn load(&mut self, path: &Path, sequence: i32, most: usize) -> Result<Vec<LlamaToken>, StateError> {
        let path = c_path(path)?;
        let mut tokens = vec![0; most];
        let mut count = 0;
        // SAFETY: the library writes at most `most` tokens and the count; the pointers live until the call returns.
        let read = unsafe {
            raw::llama_state_seq_load_file(
                self.context.as_ptr(),
                path.as_ptr(),
                sequence,
                tokens.as_mut_ptr(),
                most,
                &mut count,
            )
        };
        if read == 0 || count > most {
            return Err(StateError::Load);
        }
        tokens.truncate(count);
        Ok(tokens.into_iter().map(LlamaToken::new).collect())
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once.
        unsafe { raw::llama_free(self.context.as_ptr()) }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Context").finish_non_exhaustive()
    }
}

/// Reads the output of one layer while a batch is computed.
struct Tap {
    /// The library's name of the tensor.
    tensor: CString,
    /// Numbers of one state.
    width: usize,
    /// Indices of the tokens in the batch whose state is wanted.
    wanted: Vec<i32>,
    /// Their states, one after the other.
    states: Vec<f32>,
}

impl Tap {
    /// `None` for a layer that the model does not have, or the last one, which the library cuts down to the outputs.
    fn new(layer: u32, model: &LlamaModel) -> Option<Self> {
        (layer + 1 < model.n_layer()).then_some(())?;
        Some(Self {
            tensor: CString::new(format!("l_out-{layer}")).ok()?,
            width: usize::try_from(model.n_embd()).ok()?,
            wanted: Vec::new(),
            states: Vec::new(),
        })
    }
}

/// A tap at an address that the library knows.
struct PinnedTap(NonNull<Tap>);

impl PinnedTap {
    fn new(tap: Tap) -> Self {
        Self(NonNull::from(Box::leak(Box::new(tap))))
    }
}

impl Drop for PinnedTap {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`, freed once, after the context.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Called by the library for every tensor of a batch: first whether it is wanted (`ask`), then when it was computed.
/// The answer `false` to the second would end the computation.
unsafe extern "C" fn see_tensor(tensor: *mut raw::ggml_tensor, ask: bool, tap: *mut c_void) -> bool {
    // SAFETY: the address given to the context, used by the thread that decodes only; the tensor lives during the call
    // and its name ends with a zero.
    let (tap, seen) = unsafe { (&mut *tap.cast::<Tap>(), &*tensor) };
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr(seen.name.as_ptr()) };
    let is_tapped = !tap.wanted.is_empty() && name == tap.tensor.as_c_str();
    if ask || !is_tapped {
        return is_tapped || !ask;
    }
    let row = size_of::<f32>() * tap.width;
    let rows = usize::try_from(seen.ne[1]).unwrap_or(0);
    let fits = seen.type_ == raw::GGML_TYPE_F32 && usize::try_from(seen.ne[0]) == Ok(tap.width);
    for index in &tap.wanted {
        let index = usize::try_from(*index).unwrap_or(usize::MAX);
        if !fits || index >= rows {
            tap.states.clear();
            return true;
        }
        let start = tap.states.len();
        tap.states.resize(start + tap.width, 0.0);
        // SAFETY: the row lies inside the tensor by the checks above, and so many numbers were just made room for.
        unsafe {
            let target = tap.states.as_mut_ptr().add(start).cast::<c_void>();
            raw::ggml_backend_tensor_get(tensor, target, index * row, row);
        }
    }
    true
}

/// What is wanted of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Logits,
    LogitsAndState,
}

/// Tokens that are computed together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    tokens: Vec<i32>,
    positions: Vec<i32>,
    sequences: Vec<i32>,
    sequence_counts: Vec<i32>,
    outputs: Vec<i8>,
    /// Indices of the tokens whose state is wanted.
    states: Vec<i32>,
}

impl Batch {
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.positions.clear();
        self.sequences.clear();
        self.sequence_counts.clear();
        self.outputs.clear();
        self.states.clear();
    }

    /// Number of tokens, which is the index of the next one.
    pub fn len(&self) -> i32 {
        i32::try_from(self.tokens.len()).unwrap_or(i32::MAX)
    }

    /// Adds a token.
    pub fn add(&mut self, token: LlamaToken, position: usize, sequence: i32, wanted: Wanted) {
        if wanted == Wanted::LogitsAndState {
            self.states.push(self.len());
        }
        self.tokens.push(token.0);
        // Positions are below `context_tokens`, which the library counts in 32 bits, too.
        self.positions.push(i32::try_from(position).unwrap_or(i32::MAX));
        self.sequences.push(sequence);
        self.sequence_counts.push(1);
        self.outputs.push(i8::from(wanted != Wanted::Nothing));
    }
}

fn c_path(path: &Path) -> Result<CString, StateError> {
    let text = path.to_str().ok_or(StateError::Path)?;
    CString::new(text).map_err(|_| StateError::Path)
}

/// Which instructions the library was built for: `AVX512 = 1 | AVX512_VNNI = 1 | REPACK = 1 | …`.
pub(crate) fn system_info() -> String {
    // SAFETY: the library gives a string of its own, which stays until the next call; it is copied here.
    unsafe { CStr::from_ptr(raw::llama_print_system_info()) }
        .to_string_lossy()
        .into_owned()
}

/// Time that was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ComputeTime {
    pub thread: Duration,
    pub process: Duration,
}

/// What this thread and the whole process have computed so far; zero where the system can't tell.
#[cfg(unix)]
pub(crate) fn compute_time() -> ComputeTime {
    let read = |clock| {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: writes one value of the given type.
        unsafe { libc::clock_gettime(clock, &mut time) };
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    };
    ComputeTime {
        thread: read(libc::CLOCK_THREAD_CPUTIME_ID),
        process: read(libc::CLOCK_PROCESS_CPUTIME_ID),
    }
}
