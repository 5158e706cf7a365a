//! When windows fire, by explicit instants and against a second opinion; and Scheduler as moto plays it.

#[cfg(test)]
mod common;
#[cfg(test)]
mod croner;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod firings;
#[cfg(test)]
mod windows;
