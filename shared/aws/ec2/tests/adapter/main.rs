//! The fleet on the wire: against a server that answers as EC2's query API does.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod describe;
#[cfg(test)]
mod ec2;
#[cfg(test)]
mod places;
#[cfg(test)]
mod power;
