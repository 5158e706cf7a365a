//! The status of platforms written down by hand, as an operator sees it.

#[cfg(test)]
mod pictures;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod value;
