//! `.dev.vars`: the developer's own settings and keys, one `NAME=value` a line, as wrangler reads it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The settings in a file; none when there is no such file.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself is not shown: it may be a key.
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {number} is not NAME=value");
        };
        let value = value.trim();
        let value = ['"', '\'']
            .iter()
            .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote))
            .unwrap_or(value);
        if !value.is_empty() {
            settings.insert(name.trim().to_owned(), value.to_owned());
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_values_quotes_and_comments() {
        let settings =
            parse("# keys\n\nA=1\nB = \"two words\"\nC='x=y'\nEMPTY=\n").expect("settings");
        let pairs: Vec<_> = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("A", "1"), ("B", "two words"), ("C", "x=y")]);
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        let error = parse("A=1\nsecret\n").expect_err("no value").to_string();
        assert!(error.contains("line 2") && !error.contains("secret"));
    }
}
