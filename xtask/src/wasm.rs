//! Just enough of WebAssembly's binary format to see what a module asks of its host.

use anyhow::{Context as _, Result, bail};

/// The number of the section that lists imports.
const IMPORT_SECTION: u8 = 2;

/// The names of a module's imports, as `module.name`.
pub(crate) fn imports(module: &[u8]) -> Result<Vec<String>> {
    let Some(mut rest) = module.strip_prefix(b"\0asm\x01\0\0\0") else {
        bail!("not a WebAssembly module");
    };
    while let Some((&id, after)) = rest.split_first() {
        rest = after;
        let length = number(&mut rest)?;
        let section = take(&mut rest, length)?;
        if id == IMPORT_SECTION {
            return names(section);
        }
    }
    Ok(Vec::new())
}

/// Reads the names only up to the first import whose kind has a body that this does not read: one is enough to know.
fn names(mut section: &[u8]) -> Result<Vec<String>> {
    let count = number(&mut section)?;
    let mut found = Vec::new();
    for _ in 0..count {
        let module = text(&mut section)?;
        let name = text(&mut section)?;
        found.push(format!("{module}.{name}"));
        match take(&mut section, 1)? {
            // A function: the index of its type.
            [0] => {
                number(&mut section)?;
            }
            _ => break,
        }
    }
    Ok(found)
}

fn text(bytes: &mut &[u8]) -> Result<String> {
    let length = number(bytes)?;
    Ok(String::from_utf8_lossy(take(bytes, length)?).into_owned())
}

/// An unsigned LEB128 number of at most 32 bits.
fn number(bytes: &mut &[u8]) -> Result<usize> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(value).context("a number too large for this machine");
        }
    }
    bail!("a number of more than 32 bits");
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (head, rest) = bytes
        .split_at_checked(length)
        .context("the module is cut short")?;
    *bytes = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn sees_imports_behind_other_sections() {
        let mut module = HEADER.to_vec();
        module.extend_from_slice(&[1, 4, 1, 0x60, 0, 0]); // one type: nothing → nothing
        module.extend_from_slice(b"\x02\x0b\x01\x03env\x03now\x00\x00");
        assert_eq!(imports(&module).expect("a module"), ["env.now"]);
    }

    #[test]
    fn a_module_without_imports_has_none() {
        let mut module = HEADER.to_vec();
        module.extend_from_slice(&[1, 4, 1, 0x60, 0, 0]);
        assert!(imports(&module).expect("a module").is_empty());
    }

    #[test]
    fn refuses_what_is_cut_short_or_no_module() {
        let mut module = HEADER.to_vec();
        module.extend_from_slice(&[2, 200]);
        assert!(imports(&module).is_err());
        assert!(imports(b"<!doctype html>").is_err());
    }
}
