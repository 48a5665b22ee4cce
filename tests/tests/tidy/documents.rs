//! Whether the documents say what the sources do.

use std::collections::{BTreeMap, BTreeSet};

use crate::{FILES, File, conclude, file, root, settings_of_wrangler};

#[test]
fn every_setting_is_documented_and_every_documented_setting_is_read() {
    let settings = FILES
        .iter()
        .find(|file| file.path == "edge-worker/src/settings.rs")
        .expect("settings")
        .code();
    let is_name = |word: &&str| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let read: BTreeSet<String> = settings
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_name)
        .map(str::to_owned)
        .collect();
    let table: BTreeMap<String, String> = file("README.md")
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().strip_suffix('`')?;
            Some((name, cells.next()?.trim().trim_matches('`').to_owned()))
        })
        .filter(|(name, _)| is_name(name))
        .map(|(name, default)| (name.to_owned(), default))
        .collect();
    let documented: BTreeSet<String> = table.keys().cloned().collect();
    assert_eq!(
        read, documented,
        "read by settings.rs, documented by README.md"
    );

    let (public, secret) = settings_of_wrangler();
    let deployed: BTreeSet<String> = public.keys().chain(&secret).cloned().collect();
    assert_eq!(
        read, deployed,
        "read by settings.rs, named by wrangler.toml"
    );
    for (name, default) in &public {
        let written = table.get(name).map(String::as_str).unwrap_or_default();
        assert!(
            written == default || (default.is_empty() && written == "none"),
            "{name}: README.md says {written:?}, wrangler.toml {default:?}"
        );
        assert!(
            default.is_empty() || settings.contains(&format!("{default:?}")),
            "{name}: settings.rs has another default than {default:?}"
        );
    }
    let runner = file("xtask/runtime/describe.mjs");
    for name in &secret {
        assert!(
            runner.contains(&format!("\"{name}\"")),
            "the local runner does not pass {name} on"
        );
    }
}

/// The numbers of a document's list of invariants.
fn numbered(text: &str) -> BTreeSet<u32> {
    text.lines()
        .filter_map(|line| line.split_once(". **")?.0.parse().ok())
        .collect()
}

#[test]
fn every_invariant_has_a_test_and_every_such_test_an_invariant() {
    let text = file("ARCHITECTURE.md")
        .split("\n## Invariants\n")
        .nth(1)
        .expect("a section of invariants");
    let promised = numbered(text.split("\n## ").next().unwrap_or_default());
    let names = FILES
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| file.text.lines())
        .filter_map(|line| {
            let name = line
                .trim_start()
                .trim_start_matches("async ")
                .strip_prefix("fn invariant_")?;
            name.split('_').next()?.parse::<u32>().ok()
        });
    assert_eq!(
        promised,
        names.collect(),
        "promised by ARCHITECTURE.md, tested"
    );
    assert_eq!(
        promised,
        (1..=u32::try_from(promised.len()).expect("a few")).collect(),
        "numbers without gaps"
    );
}

#[test]
fn the_code_map_and_the_code_agree() {
    let map = file("ARCHITECTURE.md");
    let mut complaints = Vec::new();
    for folder in [
        "client-wasm",
        "client-wasm/audio-thread",
        "edge-worker",
        "local-providers",
        "voice-core",
        "xtask",
    ] {
        let folder = format!("{folder}/src/");
        let rooms = FILES
            .iter()
            .filter_map(|file| file.path.strip_prefix(&folder))
            .filter(|name| !name.contains('/') && name.ends_with(".rs"));
        for room in rooms.filter(|room| {
            !["lib.rs", "main.rs"].contains(room) && !map.contains(&format!("`{room}`"))
        }) {
            complaints.push(format!("{folder}{room} is not on the map"));
        }
    }
    for name in map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.ends_with(".rs") && !name.contains(' '))
    {
        if !FILES
            .iter()
            .any(|file| file.path == name || file.path.ends_with(&format!("/{name}")))
        {
            complaints.push(format!("{name} is on the map and not in the code"));
        }
    }
    conclude(&complaints);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut complaints = Vec::new();
    for file in FILES.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = root().join(&file.path);
        let folder = folder.parent().expect("a file is in a folder");
        let links = file
            .text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap_or_default();
            if !folder.join(target).exists() {
                complaints.push(format!("{}: {link}", file.path));
            }
        }
    }
    conclude(&complaints);
}

#[test]
fn a_decision_is_a_page_of_context_choice_and_cost() {
    let decisions: Vec<&File> = FILES
        .iter()
        .filter(|file| file.path.starts_with("docs/decisions/"))
        .collect();
    assert!(!decisions.is_empty());
    let mut complaints = Vec::new();
    for (number, file) in (1..).zip(&decisions) {
        let name = file.path.trim_start_matches("docs/decisions/");
        if !name.starts_with(&format!("{number:04}-")) {
            complaints.push(format!("{name}: its number should be {number:04}"));
        }
        let headings: Vec<&str> = file
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        if headings != ["Context", "Choice", "Cost"]
            || !file.text.starts_with(&format!("# {number}. "))
        {
            complaints.push(format!("{name}: {headings:?}"));
        }
        if file.text.lines().count() > 60 {
            complaints.push(format!("{name}: more than a page"));
        }
    }
    conclude(&complaints);
}
