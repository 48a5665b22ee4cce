//! Whether something must be made again: a hash of what it is made from, kept from the last time.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// A hash of files, folders and words, and the place where the last one is kept.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    stamp: PathBuf,
    hash: String,
}

impl Fingerprint {
    /// Hashes `inputs` (files and folders under `root`, by path and content) and `words`.
    pub(crate) fn of(root: &Path, inputs: &[&str], words: &[&str], stamp: PathBuf) -> Result<Self> {
        let mut files = Vec::new();
        for input in inputs {
            collect(&root.join(input), &mut files)?;
        }
        let mut hasher = Sha256::new();
        for word in words {
            absorb(&mut hasher, word.as_bytes());
        }
        for file in files {
            let name = file.strip_prefix(root).unwrap_or(&file);
            absorb(&mut hasher, name.as_os_str().as_encoded_bytes());
            absorb(
                &mut hasher,
                &fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?,
            );
        }
        Ok(Self {
            stamp,
            hash: hex(&hasher.finalize()),
        })
    }

    /// Whether the last thing made was made from exactly this.
    pub(crate) fn stands(&self) -> bool {
        fs::read_to_string(&self.stamp).is_ok_and(|last| last == self.hash)
    }

    /// Forgets the last one: what it stands for is about to change.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_file(&self.stamp);
    }

    /// Remembers this one.
    pub(crate) fn keep(&self) -> Result<()> {
        if let Some(folder) = self.stamp.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.stamp, &self.hash)
            .with_context(|| format!("cannot write {}", self.stamp.display()))
    }
}

/// A digest as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The length goes first, so that no two lists of parts run together into the same bytes.
fn absorb(hasher: &mut Sha256, part: &[u8]) {
    hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(part);
}

/// The files under a path in a fixed order, without hidden ones and without what tools leave behind.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with('.') && !["build", "node_modules", "target"].contains(&&*name) {
                collect(&entry, files)?;
            }
        }
    } else if path.exists() {
        files.push(path.to_path_buf());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_with_content_name_and_words_and_with_nothing_else() {
        let root = std::env::temp_dir().join(format!("xtask-fingerprint-{}", std::process::id()));
        fs::create_dir_all(root.join("src/target")).expect("a folder");
        let of = |words: &[&str]| {
            Fingerprint::of(&root, &["src", "absent"], words, root.join("stamp"))
                .expect("a hash")
                .hash
        };
        fs::write(root.join("src/a"), "one").expect("a file");
        let first = of(&["x"]);
        fs::write(root.join("src/target/b"), "built").expect("a file");
        assert_eq!(of(&["x"]), first);
        assert_ne!(of(&["y"]), first);
        fs::write(root.join("src/a"), "two").expect("a file");
        let second = of(&["x"]);
        assert_ne!(second, first);
        fs::rename(root.join("src/a"), root.join("src/c")).expect("a file");
        assert_ne!(of(&["x"]), second);
        fs::remove_dir_all(&root).expect("a folder");
    }
}
