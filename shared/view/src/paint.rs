//! How lines look. Whoever prints a text decides; a pipe gets no colour.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A head.
    Head,
    /// As it should be.
    Plain,
    /// Something to look at.
    Warn,
    /// Something to act on.
    Bad,
}

/// How a tone looks.
pub trait Paint {
    /// The line, painted.
    fn paint(&self, tone: Tone, line: &str) -> String;
}

/// No colour.
impl Paint for () {
    fn paint(&self, _: Tone, line: &str) -> String {
        line.to_owned()
    }
}
