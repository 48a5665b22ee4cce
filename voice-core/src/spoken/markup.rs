//! What is left of a model's text when all that is not speech is gone: line by line, and before that whole passages.
//!
//! Headings, list items and rows of a table are lines of their own; where one runs into the next without a mark, a full stop
//! keeps them apart. The number of a list item stays: it is how a caller will refer to it.

use super::cursor::is_one_of;
use super::inline;

pub(super) fn shown(text: &str) -> String {
    let text = without_hidden(text);
    let mut shown = String::with_capacity(text.len());
    let mut after_block = false;
    for line in text.lines() {
        let (line, is_block) = block(line.trim());
        let words = inline::words(&line);
        if words.is_empty() {
            continue;
        }
        if !shown.is_empty() {
            let apart = after_block || is_block;
            if apart && !shown.ends_with(['.', '!', '?', ':', ';', ',', '…']) {
                shown.push('.');
            }
            shown.push(' ');
        }
        shown.push_str(&words);
        after_block = is_block;
    }
    if shown.chars().any(char::is_alphanumeric) {
        shown
    } else {
        String::new()
    }
}

/// Elements whose content is for nobody's ears: thoughts, and calls of tools that some models write into their answer.
const HIDDEN: [&str; 9] = [
    "analysis",
    "function",
    "function_call",
    "reasoning",
    "reflection",
    "think",
    "thinking",
    "thought",
    "tool_call",
];

/// The text without hidden elements. One that is still open hides the rest; one that was opened before hides what led up to its end.
fn without_hidden(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut left = text;
    while let Some((before, tag)) = left.split_once('<') {
        let opened = tag.trim_start_matches('/');
        let name: String = opened
            .chars()
            .take_while(|c| c.is_ascii_alphabetic() || *c == '_')
            .collect::<String>()
            .to_ascii_lowercase();
        kept.push_str(before);
        if !is_one_of(&name, &HIDDEN) {
            kept.push('<');
            left = tag;
            continue;
        }
        let content = tag.split_once('>').map_or("", |(_, content)| content);
        left = if tag.starts_with('/') {
            kept.clear();
            content
        } else {
            behind_element(content, &name)
        };
    }
    kept.push_str(left);
    kept
}

/// What follows the end of the element; nothing if it has none.
fn behind_element<'a>(content: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    content
        .to_ascii_lowercase()
        .find(&end)
        .and_then(|at| content.split_at_checked(at))
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("", |(_, behind)| behind)
}

/// A line without the marks at its beginning, and whether they made it a block of its own.
fn block(line: &str) -> (String, bool) {
    let only_marks =
        |c: char| matches!(c, '-' | '=' | '*' | '_' | '|' | ':' | '+') || c.is_whitespace();
    if line.chars().all(only_marks) || is_fence(line) {
        return (String::new(), false);
    }
    if let Some(row) = line.strip_prefix('|') {
        let cells: Vec<&str> = row
            .split('|')
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        return (cells.join(", "), true);
    }
    let mut line = line;
    let mut is_block = false;
    while let Some(rest) = quoted(line)
        .or_else(|| heading(line))
        .or_else(|| item(line))
    {
        line = rest.trim_start();
        is_block = true;
    }
    let numbered = line
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .starts_with([')', '.'])
        && line.starts_with(|c: char| c.is_ascii_digit());
    (line.to_owned(), is_block || numbered)
}

/// "```rust"
fn is_fence(line: &str) -> bool {
    line.strip_prefix("```")
        .or_else(|| line.strip_prefix("~~~"))
        .is_some_and(|language| {
            language
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_'))
        })
}

fn quoted(line: &str) -> Option<&str> {
    // "> 5" is a comparison.
    line.strip_prefix('>')
        .filter(|rest| !rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let marked = rest.len() < line.len() && rest.starts_with(char::is_whitespace);
    marked.then(|| rest.trim_end_matches('#'))
}

fn item(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix(['-', '*', '•', '‣', '◦', '·', '–', '—'])
        .filter(|rest| rest.starts_with(char::is_whitespace))?
        .trim_start();
    let done = ["[ ]", "[x]", "[X]"]
        .into_iter()
        .find_map(|mark| rest.strip_prefix(mark));
    Some(done.unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(shown(text), *expected, "of {text:?}");
        }
    }

    #[test]
    fn blocks_become_sentences() {
        check(&[
            ("# Hours\n- Nine to five ✅", "Hours. Nine to five"),
            (
                "We offer:\n* cleaning\n* whitening",
                "We offer: cleaning. whitening",
            ),
            ("1. Cleaning\n2. Whitening", "1. Cleaning. 2. Whitening"),
            ("- [ ] Bring your card\n- [x] Eat", "Bring your card. Eat"),
            ("> Quoted.\n> Twice.", "Quoted. Twice."),
            (
                "| Day | Hours |\n|---|:--|\n| Mon | 9-5 |",
                "Day, Hours. Mon, 9-5",
            ),
            ("one\ntwo", "one two"),
            ("Before.\n\n---\n\nAfter.", "Before. After."),
            ("```rust\nlet it be\n```", "let it be"),
            ("> 5 days", "> 5 days"),
        ]);
    }

    #[test]
    fn what_is_hidden_stays_hidden() {
        check(&[
            ("<think>They want hours.</think>Sure!", "Sure!"),
            ("They want hours.</think> Sure!", "Sure!"),
            ("Sure! <Thinking>never closed", "Sure!"),
            (
                "One moment. <function=check_availability>{\"date\":\"2026-03-14\"}</function>",
                "One moment.",
            ),
            ("I think so", "I think so"),
            ("<think", ""),
            ("</think></think>", ""),
        ]);
    }

    #[test]
    fn without_a_letter_or_digit_there_is_nothing() {
        check(&[
            ("", ""),
            ("  *** \n 👍 ", ""),
            ("...", ""),
            ("(laughs)", ""),
            ("--- | ---", ""),
        ]);
    }
}
