//! Whether a request comes from one of the worker's own pages.
//!
//! Browsers name the page's origin with every request that can change something, and most say how it relates to the address asked
//! (`Sec-Fetch-Site`); no script can write either. A cookie alone shows who sits at the browser, not whose page asks.

use crate::settings::Origin;

/// Whether these two headers speak for a page of `own`, or of `public`, where the world reaches the worker. A request with neither
/// comes from no page of ours.
pub(crate) fn is_same(
    origin: Option<&str>,
    fetch_site: Option<&str>,
    own: Option<&Origin>,
    public: Option<&Origin>,
) -> bool {
    let is_ours = |text: &str| {
        Origin::parse(text).is_some_and(|origin| own == Some(&origin) || public == Some(&origin))
    };
    match (origin, fetch_site) {
        (None, None) => false,
        (None, Some(site)) => site == "same-origin",
        (Some(origin), None) => is_ours(origin),
        (Some(origin), Some(site)) => site == "same-origin" && is_ours(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_ours() {
        let own = Origin::parse("http://127.0.0.1:8787").unwrap();
        let public = Origin::parse("https://voice.example").unwrap();
        let same = |origin, site| is_same(origin, site, Some(&own), Some(&public));
        assert!(same(Some("http://127.0.0.1:8787"), None));
        assert!(same(Some("https://voice.example"), Some("same-origin")));
        assert!(same(None, Some("same-origin")));
        for (origin, site) in [
            (None, None),
            (None, Some("same-site")),
            (None, Some("cross-site")),
            (None, Some("none")),
            (Some("null"), None),
            (Some("http://127.0.0.1:8788"), None),
            (Some("https://127.0.0.1:8787"), None),
            (Some("https://evil.example"), None),
            (Some("https://evil.example"), Some("same-origin")),
            (Some("https://voice.example"), Some("same-site")),
            (Some("https://voice.example.evil.example"), None),
        ] {
            assert!(!same(origin, site), "{origin:?} {site:?}");
        }
        assert!(!is_same(
            Some("https://voice.example"),
            None,
            Some(&own),
            None
        ));
    }
}
