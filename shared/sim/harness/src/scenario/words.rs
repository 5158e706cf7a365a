//! A script's lines as words. A word is bare or in double quotes; `key=value` is an option; `#` begins a comment.
//! Everything that is not understood is an error with its line, so that a slip of the pen never passes as a
//! scenario that holds.

use std::str::FromStr;

use jiff::SignedDuration;

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what is possible.
    pub message: String,
}

/// The words of one line, taken one by one.
#[derive(Debug, Clone)]
pub(super) struct Words {
    line: usize,
    bare: Vec<String>,
    options: Vec<(String, String)>,
    next: usize,
}

type Result<T> = std::result::Result<T, ScriptError>;

impl Words {
    pub(super) fn of(line: usize, text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let (mut word, mut quoted, mut was_quoted, mut any) = (String::new(), false, false, false);
        let mut equals = None;
        for c in text.chars() {
            match c {
                '"' => {
                    quoted = !quoted;
                    was_quoted = true;
                    any = true;
                }
                '#' if !quoted && !any => break,
                c if c.is_whitespace() && !quoted => {
                    if any {
                        parts.push((std::mem::take(&mut word), equals.take(), was_quoted));
                    }
                    (any, was_quoted) = (false, false);
                }
                c => {
                    if c == '=' && !quoted && !was_quoted && equals.is_none() {
                        equals = Some(word.len());
                    }
                    word.push(c);
                    any = true;
                }
            }
        }
        if quoted {
            return Err(ScriptError { line, message: "a quotation mark is missing".to_owned() });
        }
        if any {
            parts.push((word, equals, was_quoted));
        }
        let (mut words, mut options) = (Vec::new(), Vec::new());
        for (word, equals, _) in parts {
            match equals.and_then(|at| Some((word.get(..at)?, word.get(at + 1..)?))) {
                Some((key, value)) if !key.is_empty() => options.push((key.to_owned(), value.to_owned())),
                _ => words.push(word),
            }
        }
        Ok(Self { line, bare: words, options, next: 0 })
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bare.is_empty() && self.options.is_empty()
    }

    pub(super) fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(ScriptError { line: self.line, message: message.into() })
    }

    /// The next word, if there is one.
    pub(super) fn maybe(&mut self) -> Option<String> {
        let word = self.bare.get(self.next).cloned();
        self.next += usize::from(word.is_some());
        word
    }

    /// The next word, not taken.
    pub(super) fn peek(&self) -> Option<&str> {
        self.bare.get(self.next).map(String::as_str)
    }

    /// The next word; `what` says what it should be.
    pub(super) fn word(&mut self, what: &str) -> Result<String> {
        match self.maybe() {
            Some(word) => Ok(word),
            None => self.error(format!("{what} is missing")),
        }
    }

    pub(super) fn number<T: FromStr>(&mut self, what: &str) -> Result<T> {
        let word = self.word(what)?;
        word.parse().or_else(|_| self.error(format!("{what} is {word:?}, which is not a number")))
    }

    pub(super) fn duration(&mut self, what: &str) -> Result<SignedDuration> {
        let word = self.word(what)?;
        self.parse_duration(what, &word)
    }

    fn parse_duration(&self, what: &str, word: &str) -> Result<SignedDuration> {
        word.parse().or_else(|_| self.error(format!("{what} is {word:?}; write it like 90s, 5min or 1h")))
    }

    /// One of several words.
    pub(super) fn one_of<T: Copy>(&mut self, what: &str, choices: &[(&str, T)]) -> Result<T> {
        let word = self.word(what)?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == word) {
            return Ok(*choice);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.error(format!("{what} is {word:?}; possible are {}", names.join(", ")))
    }

    /// Takes an option.
    pub(super) fn option(&mut self, key: &str) -> Option<String> {
        let at = self.options.iter().position(|(name, _)| name == key)?;
        Some(self.options.remove(at).1)
    }

    pub(super) fn option_number<T: FromStr>(&mut self, key: &str) -> Result<Option<T>> {
        match self.option(key) {
            None => Ok(None),
            Some(value) => match value.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => self.error(format!("{key} is {value:?}, which is not a number")),
            },
        }
    }

    pub(super) fn option_duration(&mut self, key: &str) -> Result<Option<SignedDuration>> {
        self.option(key).map(|value| self.parse_duration(key, &value)).transpose()
    }

    /// All options that are left, such as a policy's keys.
    pub(super) fn options(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.options)
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<()> {
        let left = self.bare.get(self.next).cloned();
        let left = left.or_else(|| self.options.first().map(|(key, value)| format!("{key}={value}")));
        match left {
            Some(word) => self.error(format!("{word:?} is not understood here")),
            None => Ok(()),
        }
    }
}
