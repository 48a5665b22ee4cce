//! The house rules that a compiler does not check: who depends on whom, who may know what, and whether the documents are true.

mod crates;
mod documents;
mod files;
mod invariants;
mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A text file of the repository.
struct File {
    /// From the root, with forward slashes.
    path: String,
    text: String,
}

/// Every text file of the repository that is written by hand.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    collect(&root(), &root(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
});

/// Folders that are made, not written.
const MADE: [&str; 6] = [
    ".git",
    ".wrangler",
    "build",
    "dist",
    "node_modules",
    "target",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the crate is in the repository")
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of a folder").path();
        let relative = path
            .strip_prefix(root)
            .expect("below the root")
            .to_string_lossy()
            .replace('\\', "/");
        if path.is_dir() {
            if !MADE.contains(&relative.as_str()) {
                collect(root, &path, files);
            }
        } else if relative != ".dev.vars"
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.push(File {
                path: relative,
                text,
            });
        }
    }
}

fn file(path: &str) -> &'static str {
    let found = FILES.iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("there is no {path}")).text
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The lines before the tests of the file.
    fn before_tests(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| *line != "#[cfg(test)]")
    }

    /// What runs in the product: without tests, and without comments, which may give sources.
    fn code(&self) -> String {
        let lines = self.before_tests().map(|line| {
            line.split("//")
                .next()
                .filter(|_| !line.contains("://"))
                .unwrap_or(line)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The sources of a crate that run in the product.
fn sources(crate_folder: &str) -> impl Iterator<Item = &'static File> {
    let folder = format!("{crate_folder}/src/");
    FILES
        .iter()
        .filter(move |file| file.path.starts_with(&folder) && file.is_rust() && !file.is_test())
}

/// Panics with every complaint at once.
#[track_caller]
fn conclude(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The variables of wrangler.toml with their values, and the names of the secrets it lists.
fn settings_of_wrangler() -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (before, after) = file("wrangler.toml")
        .split_once("\n[vars]\n")
        .expect("variables");
    assert!(
        !before.contains("_API_KEY"),
        "a key stands above the variables"
    );
    let variable = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        Some((name.to_owned(), value.split('"').nth(1)?.to_owned()))
    };
    let secret = |line: &str| {
        let name = line.strip_prefix("#   ")?.split_whitespace().next()?;
        Some(name.to_owned())
    };
    (
        after.lines().filter_map(variable).collect(),
        after.lines().filter_map(secret).collect(),
    )
}
