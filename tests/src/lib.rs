//! Proof across the crates: everything lives in `tests/`.
