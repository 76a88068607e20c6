//! The engine's thread: loads the model when it is needed, serves, unloads, ends.
//!
//! Invariant: the only thread that touches a context. A failure in here fails the requests of that moment with an error
//! and leaves the engine able to load and serve again.
//! Started by `handle`.

use crate::handle::EngineState;
use crate::job::{Command, Job};
use crate::loaded::{LoadError, LoadedModel};
use crate::scheduler::Scheduler;
use boxwood_core::ModelError;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Starts the thread.
pub(crate) fn spawn(state: Arc<EngineState>) -> std::io::Result<Sender<Command>> {
    let (commands, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("boxwood-engine".to_owned())
        .spawn(move || run(&state, &receiver))?;
    Ok(commands)
}

/// Why serving ended.
#[derive(Debug, PartialEq, Eq)]
enum Exit {
    /// Nothing to do for a while: the memory is given back.
    Idle,
    /// The engine ends.
    Closed,
}

fn run(state: &EngineState, receiver: &Receiver<Command>) {
    // Each turn begins without a model; an error of `recv` means that nobody holds the engine any more.
    while let Ok(command) = receiver.recv() {
        if let Command::Shutdown { done, .. } = command {
            let _ = done.send(());
            return;
        }
        // What the closure touches is dropped by the unwinding or is made of atomics and locks that don't poison.
        let exit = std::panic::catch_unwind(AssertUnwindSafe(|| load_and_serve(state, receiver, command)));
        *state.loaded.lock() = None;
        state.counters.loaded.store(false, Ordering::Relaxed);
        state.counters.running.store(0, Ordering::Relaxed);
        match exit {
            Ok(Exit::Idle) => tracing::info!(model = %state.config.name, "the model is unloaded"),
            Ok(Exit::Closed) => return,
            Err(_) => {
                state.counters.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(model = %state.config.name, "the engine's thread failed; it starts again with the next request");
            }
        }
    }
}

fn load_and_serve(state: &EngineState, receiver: &Receiver<Command>, first: Command) -> Exit {
    let loaded = match LoadedModel::load(&state.config) {
        Ok(loaded) => Arc::new(loaded),
        Err(error) => return refuse(state, first, error),
    };
    let scheduler = match Scheduler::new(state, &loaded) {
        Ok(scheduler) => scheduler,
        Err(error) => return refuse(state, first, error),
    };
    loaded.prepare_grammars();
    *state.loaded.lock() = Some(Arc::clone(&loaded));
    state.counters.loaded.store(true, Ordering::Relaxed);
    let mut service = Service {
        loaded: &loaded,
        scheduler,
        closing: None,
    };
    service.take(first);
    let exit = service.serve(state, receiver);
    service.scheduler.save_all();
    let Service {
        scheduler, closing, ..
    } = service;
    // Waits for the documents to be on disk, and frees the context, before the end is told.
    drop(scheduler);
    if let Some((_, done)) = closing {
        let _ = done.send(());
    }
    exit
}

/// Tells a request that there is no model. The next request tries again.
fn refuse(state: &EngineState, command: Command, error: LoadError) -> Exit {
    tracing::warn!(model = %state.config.name, %error, "the model can't be loaded");
    match command {
        Command::Load(reply) => drop(reply.send(Err(Arc::new(error)))),
        Command::Run(job) => job.fail(ModelError::Unavailable {
            model: state.config.name.clone(),
            message: error.to_string(),
        }),
        Command::Shutdown { done, .. } => drop(done.send(())),
    }
    Exit::Idle
}

/// Serving with a loaded model.
struct Service<'a> {
    loaded: &'a Arc<LoadedModel>,
    scheduler: Scheduler<'a>,
    /// When running requests are cancelled, and whom to tell the end.
    closing: Option<(Instant, oneshot::Sender<()>)>,
}

impl Service<'_> {
    fn take(&mut self, command: Command) {
        match command {
            Command::Load(reply) => drop(reply.send(Ok(Arc::clone(self.loaded)))),
            Command::Run(job) => self.enqueue(*job),
            Command::Shutdown { grace, done } => match &self.closing {
                None => self.closing = Some((Instant::now() + grace, done)),
                // A second call waits no longer than the first allowed; its channel closes, which it takes as the end.
                Some(_) => drop(done),
            },
        }
    }

    fn enqueue(&mut self, job: Job) {
        if self.closing.is_some() {
            job.fail(ModelError::Cancelled);
        } else {
            self.scheduler.enqueue(job);
        }
    }

    fn serve(&mut self, state: &EngineState, receiver: &Receiver<Command>) -> Exit {
        loop {
            let abandoned = match self.take_commands(state, receiver) {
                Some(abandoned) => abandoned,
                None => return Exit::Idle,
            };
            if let Some((deadline, _)) = &self.closing
                && Instant::now() >= *deadline
            {
                self.scheduler.fail_all(|| ModelError::Cancelled);
            }
            if (abandoned || self.closing.is_some()) && !self.scheduler.has_work() {
                return Exit::Closed;
            }
            self.scheduler.step();
        }
    }

    /// Takes what came; waits where there is nothing to do. True when nobody holds the engine any more, `None` after an
    /// idle time.
    fn take_commands(&mut self, state: &EngineState, receiver: &Receiver<Command>) -> Option<bool> {
        if !self.scheduler.has_work() && self.closing.is_none() {
            let first = match state.config.idle_unload {
                Some(idle) => match receiver.recv_timeout(idle) {
                    Err(RecvTimeoutError::Timeout) => return None,
                    other => other.ok(),
                },
                None => receiver.recv().ok(),
            };
            match first {
                Some(command) => self.take(command),
                None => return Some(true),
            }
        }
        loop {
            match receiver.try_recv() {
                Ok(command) => self.take(command),
                Err(TryRecvError::Empty) => return Some(false),
                Err(TryRecvError::Disconnected) => return Some(true),
            }
        }
    }
}
