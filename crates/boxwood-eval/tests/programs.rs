//! Written programs are judged by their tests, and can do nothing but compute.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

use boxwood_eval::program::{ProgramEnd, ProgramRunner};

async fn runner() -> ProgramRunner {
    let found = ProgramRunner::find(env!("CARGO_BIN_EXE_boxwood-eval-helper").into()).await;
    found.expect("python3 is installed")
}

async fn end_of(program: &str) -> ProgramEnd {
    runner().await.run(program).await.unwrap()
}

async fn failure_of(program: &str) -> String {
    match end_of(program).await {
        ProgramEnd::Failed(why) => why,
        ProgramEnd::Passed => panic!("it passed: {program}"),
    }
}

#[tokio::test]
async fn programs_pass_by_coming_to_their_end() {
    for program in [
        "import math, re, hashlib, collections\nassert math.gcd(12, 18) == 6",
        "print('much ' * 100_000)",
        "from typing import List\ndef f(x: List[int]) -> int:\n    return sum(x)\nassert f([1, 2]) == 3",
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
    ] {
        assert_eq!(end_of(program).await, ProgramEnd::Passed, "{program}");
    }
}

#[tokio::test]
async fn failures_say_why() {
    for (program, words) in [
        ("assert 1 == 2, 'no'", "AssertionError: no"),
        ("def f(:\n", "SyntaxError"),
        ("import sys\nsys.exit(0)", "it ended before its tests did"),
        ("import os\nos._exit(0)", "it ended before its tests did"),
        ("import numpy", "ModuleNotFoundError"),
    ] {
        let why = failure_of(program).await;
        assert!(why.contains(words), "{program}: {why}");
    }
}

#[tokio::test]
async fn endless_and_greedy_programs_are_ended() {
    let runner = runner().await.within(1);
    let end = runner.run("while True:\n    pass").await.unwrap();
    assert_eq!(end, ProgramEnd::Failed("it used up its 1 s".to_owned()));
    let why = failure_of("x = bytearray(4 << 30)").await;
    assert!(why.contains("MemoryError"), "{why}");
}

/// What the kernel can hold back is held back; all of these would pass outside.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_world_is_out_of_reach() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let place = secret.path().display();
    for (program, words) in [
        ("import _socket\n_socket.socket()".to_owned(), "PermissionError"),
        ("import os\nos.fork()".to_owned(), "PermissionError"),
        ("import os\nos.kill(os.getppid(), 9)".to_owned(), "PermissionError"),
        (format!("with open('{place}', 'a') as file: file.write('x' * 9)"), "Error"),
        ("import os\nassert not os.environ.get('PATH'), 'environment'\nassert 'HOME' not in os.environ\nraise ValueError('empty')".to_owned(), "ValueError: empty"),
    ] {
        let why = failure_of(&program).await;
        assert!(why.contains(words), "{program}: {why}");
    }
    assert_eq!(std::fs::read_to_string(secret.path()).unwrap(), "secret");
    // Only Landlock keeps a program from reading, and not every kernel has it.
    match end_of(&format!("open('{place}').read()")).await {
        ProgramEnd::Failed(why) => assert!(why.contains("PermissionError"), "{why}"),
        ProgramEnd::Passed => println!("this kernel has no Landlock: programs can read"),
    }
}
