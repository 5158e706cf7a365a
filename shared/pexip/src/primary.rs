//! Which Management Node to follow. A platform may have more than one; only the primary one takes changes, and what
//! a standby one says may be old. Each says in `status/v1/management_vm/` which of them is primary, by name and
//! id; the addresses under which they can be reached stand in their configuration. With one address configured there
//! is nothing to choose.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::address::Address;
use crate::rows::{ManagementVmConfiguration, ManagementVmStatus};

/// What the Management Node that answered is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrimaryCheck {
    /// The one to talk to, or nothing speaks against it.
    Primary,
    /// Not the primary one; which is, and at which of our addresses, as far as that is known.
    Standby { primary: Option<String>, at: Option<usize> },
    /// Several Management Nodes, and their configuration has to tell which is at which address.
    Ask { primary: PrimaryNode },
}

/// The primary Management Node, by the id that its configuration has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrimaryNode {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
}

/// Judges by the status rows alone.
pub(crate) fn judge(rows: &[ManagementVmStatus], addresses: usize) -> PrimaryCheck {
    let says_nothing = rows.iter().all(|row| row.primary.is_none());
    if addresses <= 1 || says_nothing {
        return PrimaryCheck::Primary;
    }
    let Some(primary) = rows.iter().find(|row| row.primary == Some(true)) else {
        return PrimaryCheck::Standby { primary: None, at: None };
    };
    match primary.configuration_id.or(primary.id) {
        Some(id) if rows.len() > 1 => {
            PrimaryCheck::Ask { primary: PrimaryNode { id, name: primary.name.clone() } }
        }
        // The only Management Node that there is.
        _ => PrimaryCheck::Primary,
    }
}

/// Which of our addresses each Management Node has, as far as its configuration tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whereabouts(HashMap<u64, Vec<usize>>);

impl Whereabouts {
    pub(crate) fn read(rows: &[ManagementVmConfiguration], addresses: &[Address]) -> Self {
        let found = rows.iter().filter_map(|row| {
            let names = names_of(row);
            let at = addresses
                .iter()
                .enumerate()
                .filter(|(_, address)| names.iter().any(|name| name.eq_ignore_ascii_case(address.host())))
                .map(|(index, _)| index)
                .collect();
            Some((row.id?, at))
        });
        Self(found.collect())
    }

    /// Judges whether the Management Node at `here` is the primary one. Where the configuration does not tell (the address
    /// is an alias), the one that answered is taken: it may well be.
    pub(crate) fn judge(&self, primary: &PrimaryNode, here: usize) -> PrimaryCheck {
        let at = self.0.get(&primary.id).map(Vec::as_slice).unwrap_or_default();
        let is_another = self.0.iter().any(|(id, at)| *id != primary.id && at.contains(&here));
        match at.first() {
            _ if at.contains(&here) => PrimaryCheck::Primary,
            Some(first) => PrimaryCheck::Standby { primary: primary.name.clone(), at: Some(*first) },
            None if is_another => PrimaryCheck::Standby { primary: primary.name.clone(), at: None },
            None => PrimaryCheck::Primary,
        }
    }
}

fn names_of(row: &ManagementVmConfiguration) -> Vec<String> {
    let set = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let mut names: Vec<String> =
        [&row.address, &row.ipv6_address, &row.static_nat_address, &row.alternative_fqdn, &row.hostname]
            .into_iter()
            .filter_map(set)
            .collect();
    if let (Some(hostname), Some(domain)) = (set(&row.hostname), set(&row.domain)) {
        names.push(format!("{hostname}.{domain}"));
    }
    names
}

/// What the client has learned about its addresses.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    settled: Option<usize>,
    /// What the configuration told, and which primary one it was asked about.
    whereabouts: Option<(u64, Whereabouts)>,
}

impl Learned {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The address that last answered as the primary one.
    pub(crate) fn settled(&self) -> Option<usize> {
        self.with(|state| state.settled)
    }

    pub(crate) fn settle(&self, address: Option<usize>) {
        self.with(|state| state.settled = address);
    }

    /// The check of the one at `here`, if the configuration was asked about that primary one before.
    pub(crate) fn judge(&self, primary: &PrimaryNode, here: usize) -> Option<PrimaryCheck> {
        self.with(|state| match &state.whereabouts {
            Some((asked_about, known)) if *asked_about == primary.id => Some(known.judge(primary, here)),
            _ => None,
        })
    }

    pub(crate) fn learn(&self, primary: &PrimaryNode, whereabouts: Whereabouts) {
        self.with(|state| state.whereabouts = Some((primary.id, whereabouts)));
    }
}
