//! What the client cannot do at all.

use std::fs;
use std::path::Path;

/// A DELETE on a list deletes the whole collection, and a misspelt filter does not narrow it: nothing in this crate
/// can build such a request.
#[test]
fn there_is_no_way_to_delete() {
    let mut read = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for forbidden in [
                "Method::DELETE",
                "Method::PUT",
                ".delete(",
                "\"DELETE\"",
                "Method::from_bytes",
                "deleted_objects",
                "danger_accept_invalid",
            ] {
                assert!(!source.contains(forbidden), "{} has {forbidden}", path.display());
            }
            read += 1;
        }
    }
    assert!(read > 15, "the sources were read");
}
