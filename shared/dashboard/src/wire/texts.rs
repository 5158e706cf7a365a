//! Everything that repeats, once: a row has the place of its text.

use std::collections::HashMap;

/// Reasons that are longer are cut: EC2's encoded messages run to kilobytes.
const LONGEST_TEXT: usize = 300;

/// Everything that repeats, once.
#[derive(Default)]
pub(super) struct Texts {
    index: HashMap<String, usize>,
    pub(super) all: Vec<String>,
}

impl Texts {
    pub(super) fn of(&mut self, text: &str) -> usize {
        let text = match text.char_indices().nth(LONGEST_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        if let Some(index) = self.index.get(&text) {
            return *index;
        }
        self.all.push(text.clone());
        self.index.insert(text, self.all.len() - 1);
        self.all.len() - 1
    }
}
