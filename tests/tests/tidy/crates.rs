//! Who depends on whom, and what every crate has in common.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::{FILES, conclude, file, root};

/// What cargo knows of the workspace.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
});

fn members() -> Vec<&'static Value> {
    let ids: BTreeSet<&str> = list(&METADATA["workspace_members"])
        .filter_map(Value::as_str)
        .collect();
    list(&METADATA["packages"])
        .filter(|package| ids.contains(text(&package["id"])))
        .collect()
}

fn list(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().expect("a text")
}

/// Every crate that comes with this one when it is built for use, itself included.
pub(crate) fn with_dependencies(name: &str) -> BTreeSet<&'static str> {
    let names: BTreeMap<&str, &str> = list(&METADATA["packages"])
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&METADATA["resolve"]["nodes"])
        .map(|node| (text(&node["id"]), node))
        .collect();
    let mut waiting: Vec<&str> = members()
        .into_iter()
        .filter(|package| package["name"] == name)
        .map(|package| text(&package["id"]))
        .collect();
    assert_eq!(waiting.len(), 1, "{name}");
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if found.insert(id) {
            let used = list(&nodes[id]["deps"])
                .filter(|dep| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()));
            waiting.extend(used.map(|dep| text(&dep["pkg"])));
        }
    }
    found.into_iter().map(|id| names[id]).collect()
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("audio-thread", &["voice-core"][..]),
        ("client-wasm", &["voice-core"]),
        ("edge-worker", &["front-desk", "voice-core"]),
        // The receptionist's tests let her book by the real rules.
        ("local-providers", &["front-desk", "voice-core"]),
        ("front-desk", &[]),
        (
            "tests",
            &["edge-worker", "front-desk", "local-providers", "voice-core"],
        ),
        ("voice-core", &[]),
        ("xtask", &[]),
    ]);
    let members = members();
    let names: BTreeSet<&str> = members
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    assert_eq!(
        names,
        allowed.keys().copied().collect(),
        "a crate without a place in the order"
    );
    let mut complaints = Vec::new();
    for package in members {
        let name = text(&package["name"]);
        for used in list(&package["dependencies"]).map(|used| text(&used["name"])) {
            // A crate may give its own tests what a feature of it holds.
            if used != name && names.contains(used) && !allowed[name].contains(&used) {
                complaints.push(format!("{name} depends on {used}"));
            }
        }
    }
    conclude(&complaints);
}

#[test]
fn every_crate_has_the_houses_lints_and_version() {
    let mut complaints = Vec::new();
    for package in members() {
        let path = text(&package["manifest_path"]);
        let manifest = fs::read_to_string(path).expect("a manifest");
        for line in [
            "[lints]\nworkspace = true",
            "edition.workspace = true",
            "version.workspace = true",
            "publish.workspace = true",
        ] {
            if !manifest.contains(line) {
                complaints.push(format!("{}: {line:?} is missing", text(&package["name"])));
            }
        }
    }
    for name in ["client-wasm/audio-thread", "edge-worker", "voice-core"] {
        let lib = file(&format!("{name}/src/lib.rs"));
        for lint in [
            "arithmetic_side_effects",
            "expect_used",
            "indexing_slicing",
            "panic",
            "unwrap_used",
        ] {
            if !lib.contains(&format!("clippy::{lint}")) {
                complaints.push(format!("{name} may not panic and does not deny {lint}"));
            }
        }
    }
    for file in FILES.iter().filter(|file| file.is_rust()) {
        for line in file.text.lines().map(str::trim_start) {
            if line.starts_with(concat!("#[al", "low("))
                || line.starts_with(concat!("#![al", "low("))
            {
                complaints.push(format!(
                    "{}: `expect` with a reason instead of {line}",
                    file.path
                ));
            }
        }
    }
    conclude(&complaints);
}
