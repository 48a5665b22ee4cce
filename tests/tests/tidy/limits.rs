//! Whether the numbers of `docs/limits.md` are those of the sources.

use crate::{FILES, conclude, file};

/// How many limits may be computed in the sources, and so not be compared.
const MOST_SKIPPED: usize = 3;

#[test]
fn every_limit_on_the_page_is_the_one_in_the_sources() {
    let (complaints, skipped) = judge(file("docs/limits.md"), &sources_ending_in);
    conclude(&complaints);
    assert!(skipped <= MOST_SKIPPED, "{skipped} limits are not compared");
}

fn sources_ending_in(path: &str) -> Vec<&'static str> {
    let end = format!("/{path}");
    let named = FILES
        .iter()
        .filter(|file| format!("/{}", file.path).ends_with(&end));
    named.map(|file| file.text.as_str()).collect()
}

/// What is wrong with the page, and how many of its limits could not be compared.
fn judge(page: &str, sources: &dyn Fn(&str) -> Vec<&'static str>) -> (Vec<String>, usize) {
    let (mut complaints, mut skipped) = (Vec::new(), 0);
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", what, limit, _, _, constants, ""] = cells[..] else {
            complaints.push(format!("five cells are wanted: {line}"));
            continue;
        };
        for constant in constants.split('`').skip(1).step_by(2) {
            match check(constant, limit, sources) {
                Ok(true) => {}
                Ok(false) => skipped += 1,
                Err(why) => complaints.push(format!("{what}: {constant}: {why}")),
            }
        }
    }
    (complaints, skipped)
}

/// Whether a constant could be compared with the limit of its row; an error if they differ.
fn check(
    constant: &str,
    limit: &str,
    sources: &dyn Fn(&str) -> Vec<&'static str>,
) -> Result<bool, String> {
    let (path, name) = constant
        .split_once(": ")
        .ok_or("not of the form file: NAME")?;
    let [text] = sources(path)[..] else {
        return Err("there is not exactly one such file".to_owned());
    };
    let values = values_of(name, text);
    if values.is_empty() {
        return Err("the file declares no such constant".to_owned());
    }
    let declared: Vec<Vec<Number>> = values.iter().filter_map(|value| numbers(value)).collect();
    let written = quantities(limit);
    let is_written = |number: &Number| written.iter().any(|quantity| quantity.is(number));
    let agrees = declared.iter().flatten().all(is_written);
    let why = || format!("the page says {limit:?}, the source {values:?}");
    agrees.then_some(!declared.is_empty()).ok_or_else(why)
}

/// The values that a file gives to a constant of Rust or JavaScript, or to a field, which has small letters.
fn values_of<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
    let [before, follow, sign, end] = match name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => [" ", ":", ": ", ",\n"],
        false => ["const ", ": ", "=", ";\n"],
    };
    let named = format!("{before}{name}");
    let found = text.split(named.as_str()).skip(1);
    let whole = found.filter(|rest| rest.starts_with(|c| follow.contains(c)));
    let values = whole.filter_map(|rest| rest.split_once(sign)?.1.split_once(end));
    values.map(|(value, _)| value).collect()
}

/// A number of the sources; a span is in milliseconds.
#[derive(Debug)]
struct Number {
    value: u64,
    is_span: bool,
}

/// The numbers of a value, if it is nothing else; of a query, how many rows it gives.
fn numbers(value: &str) -> Option<Vec<Number>> {
    let value = match value.split_once(" LIMIT ") {
        Some((_, rest)) => rest.split(|c: char| !c.is_ascii_digit()).next()?,
        None => value,
    };
    let value = value
        .replace("Duration::ZERO", "ms0")
        .replace("Duration::from_secs", "ms1000*")
        .replace("Duration::from_millis", "ms")
        .replace("Self", "")
        .replace("..=", ",")
        .replace(".0", "")
        .replace(|c: char| "_()[]".contains(c) || c.is_whitespace(), "");
    let parts = value.split(',').filter(|part| !part.is_empty());
    let number = |part: &str| {
        let sum = part.trim_start_matches("ms");
        let factor = |text: &str| text.parse::<u64>().ok();
        let product = |text: &str| text.split('*').map(factor).product::<Option<u64>>();
        Some(Number {
            value: sum.split('+').map(product).sum::<Option<u64>>()?,
            is_span: sum.len() < part.len(),
        })
    };
    parts.map(number).collect()
}

/// A number of the page, in thousandths, and its unit.
#[derive(Debug)]
struct Quantity {
    thousandths: u64,
    unit: String,
}

fn quantities(limit: &str) -> Vec<Quantity> {
    let bare = |word: &str| word.trim_end_matches([',', ';']).replace(',', "");
    let words: Vec<String> = limit.split_whitespace().map(bare).collect();
    let thousandths = |word: &String| Some((word.parse::<f64>().ok()? * 1_000.0).round() as u64);
    // In a list the unit stands behind the last.
    let is_unit =
        |word: &&String| thousandths(word).is_none() && !["and", "to"].contains(&word.as_str());
    let quantity = |(at, word): (usize, &String)| {
        Some(Quantity {
            thousandths: thousandths(word)?,
            unit: words
                .iter()
                .skip(at)
                .find(is_unit)
                .cloned()
                .unwrap_or_default(),
        })
    };
    words.iter().enumerate().filter_map(quantity).collect()
}

impl Quantity {
    /// Whether this is that number, which counts milliseconds, or seconds, if it is a time without a type.
    fn is(&self, number: &Number) -> bool {
        let (millis, size) = match self.unit.as_str() {
            "ms" => (1, 0),
            "s" => (1_000, 0),
            "min" => (60_000, 0),
            "h" => (3_600_000, 0),
            "days" => (86_400_000, 0),
            "KiB" => (0, 1_024),
            "MiB" => (0, 1_048_576),
            _ => (0, 1),
        };
        let value = number.value * 1_000;
        let is_time = millis > 0
            && (self.thousandths * millis == value
                || (!number.is_span && self.thousandths * millis == value * 1_000));
        is_time || (!number.is_span && size > 0 && self.thousandths * size == value)
    }
}

#[test]
fn a_wrong_limit_and_a_constant_that_is_not_there_are_found() {
    const SOURCE: &str = "const WAIT: Duration = Duration::from_millis(1_200);\nconst MOST: usize = 16 * 1024;\n\
        const KEPT_MS: i64 = 5 * 60_000;\nconst TWICE: Duration = WAIT.saturating_mul(2);\nfree: 20,\n    free: 20,\n";
    let sources = |path: &str| if path == "a.rs" { vec![SOURCE] } else { vec![] };
    let judged = |limit: &str, constant: &str| {
        let (complaints, skipped) =
            judge(&format!("| a | {limit} | b | c | `{constant}` |"), &sources);
        (complaints.len(), skipped)
    };
    for (limit, constant) in [
        ("1.2 s", "a.rs: WAIT"),
        ("16,384 bytes, in 5 min", "a.rs: MOST`, `a.rs: KEPT_MS"),
        ("from 10 to 20 of them", "a.rs: free"),
    ] {
        assert_eq!(judged(limit, constant), (0, 0), "{limit} {constant}");
    }
    assert_eq!(judged("2.4 s", "a.rs: TWICE"), (0, 1), "computed");
    for (limit, constant) in [
        ("1.3 s", "a.rs: WAIT"),
        ("1,200", "a.rs: WAIT"),
        ("10 and 30", "a.rs: free"),
        ("1 s", "a.rs: MISSING"),
        ("1.2 s", "b.rs: WAIT"),
        ("1.2 s | and a cell too many", "a.rs: WAIT"),
    ] {
        assert_eq!(judged(limit, constant), (1, 0), "{limit} {constant}");
    }
}
