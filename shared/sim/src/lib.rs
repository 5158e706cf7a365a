//! The simulated world. (Described below as it is built.)

pub mod model;
