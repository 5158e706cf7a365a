//! The world's own rules, tested.

mod days;
