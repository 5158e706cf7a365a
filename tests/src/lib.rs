//! Proof across the crates: everything lives in `tests/` (what is proved), `scenarios/` (scripts and what they looked
//! like when somebody last read them) and `examples/` (what is measured).
