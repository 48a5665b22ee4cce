//! What a file may not be or hold, whatever it is about.

use crate::{FILES, File, conclude};

/// Lists that a tool writes.
const WRITTEN_BY_TOOLS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

#[test]
fn no_file_is_too_long_to_read() {
    let is_ours = |file: &&File| {
        let is_code = [".rs", ".js", ".mjs"]
            .iter()
            .any(|end| file.path.ends_with(end));
        is_code && !file.path.contains("/vendor/")
    };
    let lengths = FILES
        .iter()
        .filter(is_ours)
        .map(|file| (file, file.before_tests().count()));
    conclude(
        &lengths
            .filter(|(_, lines)| *lines > 500)
            .map(|(file, lines)| format!("{}: {lines} lines", file.path))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn nothing_is_left_lying_about() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("Work in ", "progress"),
        concat!("#[ig", "nore"),
    ];
    let folders = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Use", "rs/"),
    ];
    let mut complaints = Vec::new();
    for file in FILES
        .iter()
        .filter(|file| !WRITTEN_BY_TOOLS.contains(&file.path.as_str()))
    {
        for (number, line) in (1..).zip(file.text.lines()) {
            for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                complaints.push(format!("{}:{number}: {mark}", file.path));
            }
            for folder in &folders {
                // Inside a longer path or an address, such a folder is nobody's home.
                let begins = |(at, _): (usize, &str)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*~".contains(c))
                };
                if line.match_indices(folder).any(begins) {
                    complaints.push(format!(
                        "{}:{number}: a path of one machine, {folder}",
                        file.path
                    ));
                }
            }
        }
        if file.text.contains('\r') || (!file.text.is_empty() && !file.text.ends_with('\n')) {
            complaints.push(format!("{}: line ends", file.path));
        }
    }
    conclude(&complaints);
}
