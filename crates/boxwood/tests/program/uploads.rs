//! What only the whole program shows: the memory of a large upload, and a disk that is full.

use crate::server::Server;

/// What a 1 GiB upload may cost above the idle server.
const BOUND_KB: u64 = 64 << 10;

#[test]
fn a_gibibyte_is_taken_in_bounded_memory() {
    let server = Server::start("");
    let idle = server.memory_kb("VmRSS");
    let (status, body) = server.upload("large.bin", 1 << 30);
    assert_eq!(status, 201, "{body}");
    assert!(body.contains("\"size\":1073741824"), "{body}");
    let peak = server.memory_kb("VmHWM");
    println!("idle {idle} kB, peak {peak} kB");
    assert!(peak <= idle + BOUND_KB, "{peak} kB at the peak, {idle} kB before");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    // A limit of the size of files stands for the full disk; the signal that would end the program is ignored.
    let server = Server::start("trap '' XFSZ; ulimit -f 4096");
    let (status, body) = server.upload("large.bin", 16 << 20);
    assert_eq!(status, 507, "{body}");
    assert!(body.contains("insufficient_storage"), "{body}");
    let (status, body) = server.upload("small.txt", 10);
    assert_eq!(status, 201, "the server goes on: {body}");
    let (_, body) = server.get("/2.0/folders/0/items", Some("boxwood-dev-token"));
    assert!(
        body.contains("small.txt") && !body.contains("large.bin"),
        "{body}"
    );
}

#[test]
fn a_refusal_reaches_a_client_that_sends_everything_first() {
    let server = Server::start("");
    let (status, body) = server.upload_as("wrong-token", "a.bin", 32 << 20);
    assert_eq!(status, 401, "{body}");
    server.upload("a.bin", 1);
    let (status, body) = server.upload("a.bin", 32 << 20);
    assert_eq!(status, 409, "{body}");
    assert!(body.contains("item_name_in_use"), "{body}");
}
