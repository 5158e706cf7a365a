//! The simulated world. (Described below as it is built.)

pub mod callers;
pub mod control;
pub mod demo;
mod dice;
pub mod load_model;
pub mod management;
pub mod model;
pub mod ports;
pub mod scenario;
pub mod trace;
pub mod weekday;
pub mod world;
