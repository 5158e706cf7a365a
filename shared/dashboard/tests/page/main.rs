//! The page's server, asked over a real socket as a browser would ask it, and as an attacker would.

#[cfg(test)]
mod memory;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod size;
#[cfg(test)]
mod source;
