//! Tables as RFC 4180 writes them, harmless in a spreadsheet.
//!
//! A spreadsheet runs a cell that begins like a formula, also one of a caller's name. Such a text gets an apostrophe before it, which spreadsheets
//! take as "this is text"; so does a part of a text that some of them would take for a cell. Numbers are written as they are.

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Empty,
    Number(i64),
    /// From whomever.
    Text(&'a str),
}

/// A table under way.
#[derive(Clone, Debug, Default)]
pub struct Table {
    text: String,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        let mut table = Self::default();
        let cells: Vec<Cell<'_>> = columns.iter().map(|column| Cell::Text(column)).collect();
        table.row(&cells);
        table
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            match cell {
                Cell::Empty => {}
                Cell::Number(number) => self.text.push_str(&number.to_string()),
                Cell::Text(text) => self.push_text(text),
            }
        }
        self.text.push_str("\r\n");
    }

    /// The whole, in UTF-8.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    fn push_text(&mut self, text: &str) {
        let begins_badly = is_formula(text) || text.starts_with(['\t', '\r', '\n']);
        let quoted =
            begins_badly || text.contains(['"', ',', ';', '\r', '\n', '\t']) || text.trim() != text;
        if !quoted {
            self.text.push_str(text);
            return;
        }
        self.text.push('"');
        for (index, cell) in cells(text).enumerate() {
            if is_formula(cell) || index == 0 && begins_badly {
                self.text.push('\'');
            }
            self.text.push_str(&cell.replace('"', "\"\""));
        }
        self.text.push('"');
    }
}

/// What a text falls into where a spreadsheet does not take commas and quotation marks for what they are here: in many countries it
/// expects semicolons, and what is pasted into it is parted by tabs. Each part ends with its sign.
fn cells(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([';', '\t', '\r', '\n'])
}

/// Full-width signs are taken for the plain ones by some spreadsheets, and what stands before a sign and shows nothing is passed over.
fn is_formula(cell: &str) -> bool {
    let passed_over =
        |character: char| character.is_whitespace() || character.is_control() || character == '"';
    cell.trim_start_matches(passed_over)
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_texts() {
        let mut table = Table::new(&["name", "price"]);
        table.row(&[Cell::Text("Ada, Countess"), Cell::Number(-6_000)]);
        table.row(&[Cell::Text("say \"hi\"\r\nthere"), Cell::Empty]);
        for text in [
            "=1+1",
            "+12025550143",
            "-2",
            "@SUM(A1)",
            " =1",
            "\t=1",
            "＝1",
            "Ann; =1",
            "Ann;\"=1",
            "plain",
            "",
        ] {
            table.row(&[Cell::Text(text)]);
        }
        assert_eq!(
            table.into_string(),
            "name,price\r\n\"Ada, Countess\",-6000\r\n\"say \"\"hi\"\"\r\nthere\",\r\n\"'=1+1\"\r\n\"'+12025550143\"\r\n\"'-2\"\r\n\
             \"'@SUM(A1)\"\r\n\"' =1\"\r\n\"'\t'=1\"\r\n\"'＝1\"\r\n\"Ann;' =1\"\r\n\"Ann;'\"\"=1\"\r\nplain\r\n\r\n"
        );
    }
}
