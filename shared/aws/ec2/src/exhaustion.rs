//! When asking on is pointless. A region without capacity for a type refuses each instance of it alone, and taking
//! a request of fifty apart to hear that fifty times costs a hundred requests at two a second: more time than a
//! cycle has. After three instances in a row were refused alone, with no success in between, the rest of their kind
//! is given the same answer unasked, so that substitutes elsewhere are started in the same cycle.

use std::collections::BTreeMap;

use spillway_core::fault::{Refusal, RefusalKind};
use spillway_engine::ports::InstanceOrder;

/// One or two could be the instances' own trouble (a placement group, a dedicated tenancy).
const ENOUGH: u32 = 3;

/// What a refusal is about when it is not about the instance: capacity is per zone and type, quota per type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Capacity { zone: String, instance_type: String },
    Quota { instance_type: String },
    Server,
}

/// What is known to be used up in one region, during one round of orders.
#[derive(Debug, Default)]
pub(crate) struct Exhaustion {
    in_a_row: BTreeMap<Scope, (u32, Option<Refusal>)>,
}

impl Exhaustion {
    /// An instance was refused alone.
    pub(crate) fn note_refusal(&mut self, order: &InstanceOrder, refusal: &Refusal, status: u16) {
        let scope = match refusal.kind {
            RefusalKind::InstanceCapacity => capacity(order),
            RefusalKind::Quota => quota(order),
            RefusalKind::Other if status >= 500 => Scope::Server,
            _ => return,
        };
        let (count, last) = self.in_a_row.entry(scope).or_default();
        *count += 1;
        *last = Some(refusal.clone());
    }

    /// These went through: there is some left.
    pub(crate) fn note_success(&mut self, orders: &[InstanceOrder]) {
        for order in orders {
            for scope in scopes(order) {
                self.in_a_row.remove(&scope);
            }
        }
    }

    /// The answer an order would get, where it is known.
    pub(crate) fn answer_for(&self, order: &InstanceOrder) -> Option<Refusal> {
        scopes(order).into_iter().find_map(|scope| {
            let (count, last) = self.in_a_row.get(&scope)?;
            let refusal = last.as_ref().filter(|_| *count >= ENOUGH)?;
            // The server's own trouble is not the instance's: it is asked for again in the next cycle.
            let kind = if scope == Scope::Server { RefusalKind::NotAttempted } else { refusal.kind };
            let message = format!("not asked, as {ENOUGH} others like it were refused: {}", refusal.message);
            Some(Refusal { kind, code: refusal.code.clone(), message })
        })
    }
}

fn scopes(order: &InstanceOrder) -> [Scope; 3] {
    [capacity(order), quota(order), Scope::Server]
}

fn capacity(order: &InstanceOrder) -> Scope {
    Scope::Capacity { zone: order.zone.clone(), instance_type: order.instance_type.as_str().to_owned() }
}

fn quota(order: &InstanceOrder) -> Scope {
    Scope::Quota { instance_type: order.instance_type.as_str().to_owned() }
}
