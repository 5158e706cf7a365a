//! What the client cannot do at all.

use std::fs;
use std::path::Path;

/// A DELETE on a list deletes the whole collection, and a misspelt filter does not narrow it. One place in this crate
/// can say DELETE, and it takes the path of one object; nothing can build such a request for a list.
#[test]
fn there_is_no_way_to_delete_a_list() {
    let mut read = 0;
    let mut deletes = Vec::new();
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
                "Method::PUT",
                ".delete(",
                "\"DELETE\"",
                "Method::from_bytes",
                "deleted_objects",
                "danger_accept_invalid",
            ] {
                assert!(!source.contains(forbidden), "{} has {forbidden}", path.display());
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            for word in ["Method::DELETE", "Verb::DeleteOne", "ObjectPath("] {
                deletes.extend(source.matches(word).map(|word| format!("{name} {word}")));
            }
            read += 1;
        }
    }
    assert!(read > 15, "the sources were read");
    deletes.sort();
    let expected = ["path.rs ObjectPath(", "transport.rs Verb::DeleteOne", "wire.rs Method::DELETE"];
    assert_eq!(deletes, expected, "one verb, made in one place, from a path that only one type has");
}
