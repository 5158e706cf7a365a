//! The ledger against a DynamoDB that nobody here wrote, embedded in memory and reached over HTTP, and against a
//! server that answers with what that one never says.

#[cfg(test)]
mod common;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod history;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod nat;
#[cfg(test)]
mod state;
