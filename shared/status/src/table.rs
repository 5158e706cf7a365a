//! Aligned columns without lines between them: a terminal is narrow, and a pipe into `awk` should work.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::clean::clean;

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
        let cells =
            cells.into_iter().zip(&self.aligns).map(|(text, align)| cell(&clean(text.as_ref()), *align));
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
