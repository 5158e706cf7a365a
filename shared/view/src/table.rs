//! Aligned columns without lines between them: a terminal is narrow, and a pipe into `awk` should work.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::clean::{clean, clip};

/// Text before the last column is cut here: one endless name would move the columns of every row out of sight.
const LONGEST_CELL: usize = 100;

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table in the making. Every cell is cleaned.
#[derive(Debug)]
pub struct Columns {
    table: Table,
    aligns: Vec<Align>,
    rows: usize,
}

impl Columns {
    /// With these heads.
    pub fn new(heads: &[(&str, Align)]) -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let aligns: Vec<Align> = heads.iter().map(|(_, align)| *align).collect();
        table.set_header(heads.iter().map(|(head, align)| cell(&head.to_uppercase(), *align)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self { table, aligns, rows: 0 }
    }

    /// A row; a cell that is missing is empty.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let last = self.aligns.len().saturating_sub(1);
        let cells = cells.into_iter().zip(&self.aligns).enumerate().map(|(place, (text, align))| {
            let text = text.as_ref();
            cell(&if place == last { clean(text) } else { clip(text, LONGEST_CELL) }, *align)
        });
        self.table.add_row(cells.collect::<Vec<_>>());
        self.rows += 1;
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Its lines: the head, then one per row.
    pub fn lines(&self) -> Vec<String> {
        self.table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

fn cell(text: &str, align: Align) -> Cell {
    Cell::new(text).set_alignment(match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_or_hostile_name_leaves_every_row_a_line_and_its_columns_in_sight() {
        let mut columns =
            Columns::new(&[("node", Align::Left), ("state", Align::Left), ("why", Align::Left)]);
        columns.row(["x".repeat(10_000).as_str(), "ready", &"y".repeat(10_000)]);
        columns.row(["\u{202e}\u{1b}[2Ja\nb", "booting", "one\r\ntwo"]);
        let lines = columns.lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].find("STATE").unwrap() < 110, "{}", lines[0]);
        assert!(lines[1].contains(&"y".repeat(10_000)), "the last column moves nothing, and is whole");
        assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["a", "b", "booting", "one", "two"]);
    }
}
