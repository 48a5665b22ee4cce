//! Where a list goes on: after the row of this time and id. Rows that come or go in the meantime neither repeat nor hide others.

use std::fmt;
use std::str::FromStr;

/// The last row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: i64,
    pub id: String,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next begins; none after the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of at most `limit` from rows of which one more was asked for.
    pub(super) fn of(mut rows: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = more.then(|| rows.last().map(cursor)).flatten();
        Self { rows, next }
    }
}

/// Text that no list gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a list")]
pub struct NoCursor;

/// Characters of the longest id there is, with room: a cursor comes from outside.
const ID: usize = 128;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (at, id) = text.split_once('_').ok_or(NoCursor)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || id.len() > ID || !id.bytes().all(is_plain) {
            return Err(NoCursor);
        }
        let at = at.parse().map_err(|_| NoCursor)?;
        let id = id.to_owned();
        Ok(Self { at, id })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_an_address() {
        let cursor = Cursor {
            at: 1_764_000_000_000,
            id: "0f".repeat(16),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for strange in [
            "",
            "_",
            "1_",
            "x_a",
            "1_a'b",
            "1_a_b",
            &format!("1_{}", "a".repeat(200)),
        ] {
            assert_eq!(strange.parse::<Cursor>(), Err(NoCursor), "{strange}");
        }
    }

    #[test]
    fn the_last_page_leads_nowhere() {
        let cursor = |row: &i64| Cursor {
            at: *row,
            id: "a".to_owned(),
        };
        assert_eq!(
            Page::of(vec![1, 2, 3], 2, cursor).next.map(|next| next.at),
            Some(2)
        );
        assert_eq!(Page::of(vec![1, 2], 2, cursor).next, None);
        assert_eq!(Page::of(vec![], 2, cursor).next, None);
    }
}
