//! What was shown and waits for a yes. Only what this server has shown can be carried out, once, and not for long: a
//! plan that lay on a screen over lunch says nothing about the afternoon.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::action::PageAction;

/// How long a plan stands.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// The most that wait at once; the oldest goes.
const MOST: usize = 64;

/// Actions that were shown.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    shown: Mutex<HashMap<String, (Instant, PageAction)>>,
}

impl Pending {
    /// Keeps an action that is about to be shown; gives what the answer has to name.
    pub(crate) fn keep(&self, action: PageAction) -> String {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let now = Instant::now();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, (at, _)| now.duration_since(*at) < GOOD_FOR);
        while shown.len() >= MOST {
            let Some(oldest) = shown.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| id.clone()) else {
                break;
            };
            shown.remove(&oldest);
        }
        shown.insert(id.clone(), (now, action));
        id
    }

    /// Takes it out, so that a second yes finds nothing.
    pub(crate) fn take(&self, id: &str) -> Option<PageAction> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, action) = shown.remove(id)?;
        (at.elapsed() < GOOD_FOR).then_some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_counts_once_and_only_for_what_was_shown() {
        let pending = Pending::default();
        let action = PageAction::Stop { instance: "i-1".into(), reason: String::new() };
        let id = pending.keep(action.clone());
        assert_eq!(pending.take("something else"), None);
        assert_eq!(pending.take(&id), Some(action));
        assert_eq!(pending.take(&id), None);
    }

    #[test]
    fn old_plans_make_room() {
        let pending = Pending::default();
        let action =
            |n: usize| PageAction::Stop { instance: format!("i-{n}").as_str().into(), reason: String::new() };
        let first = pending.keep(action(0));
        let rest: Vec<String> = (1..=MOST).map(|n| pending.keep(action(n))).collect();
        assert_eq!(pending.take(&first), None);
        assert!(pending.take(&rest[MOST - 1]).is_some());
    }
}
