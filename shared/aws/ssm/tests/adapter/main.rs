//! Settings against a server that answers as Parameter Store does.

#[cfg(test)]
mod keeping;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod store;
