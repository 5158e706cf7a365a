//! The numbers that rows of the configuration have, by position and back. A client may bring the number of a new row; else it gets
//! the next. None is given twice, unless a client asks for one that is free.

use std::collections::BTreeMap;

/// Positions and their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    of: Vec<u64>,
    at: BTreeMap<u64, usize>,
}

impl Numbers {
    /// Numbers the next position: with the number that is wanted, if no position has it, else with the next.
    pub(crate) fn add(&mut self, wanted: Option<u64>) -> u64 {
        let free = |number: &u64| *number > 0 && !self.at.contains_key(number);
        let next = self.at.last_key_value().map_or(1, |(last, _)| last + 1);
        let number = wanted.filter(free).unwrap_or(next);
        self.at.insert(number, self.of.len());
        self.of.push(number);
        number
    }

    /// The number of a position; 0 for one that there is not.
    pub(crate) fn number(&self, position: usize) -> u64 {
        self.of.get(position).copied().unwrap_or(0)
    }

    /// The position of a number.
    pub(crate) fn position(&self, number: u64) -> Option<usize> {
        self.at.get(&number).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_clients_if_it_is_free_and_else_the_next() {
        let mut numbers = Numbers::default();
        assert_eq!(
            [None, Some(40), None, Some(40), Some(0)].map(|wanted| numbers.add(wanted)),
            [1, 40, 41, 42, 43]
        );
        assert_eq!((numbers.position(40), numbers.position(2), numbers.number(1)), (Some(1), None, 40));
    }
}
