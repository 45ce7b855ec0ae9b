//! Paths of znodes: `/` is the root, `/a/b` is `b` below `/a`.

use std::sync::Arc;

/// The parent's path and the name below it; `None` for the root and for what has no slash.
pub fn split(path: &str) -> Option<(&str, &str)> {
    match path.rsplit_once('/')? {
        ("", "") => None,
        ("", name) => Some(("/", name)),
        (parent, name) => Some((parent, name)),
    }
}

/// The path of `name` below `parent`.
pub fn join(parent: &str, name: &str) -> Arc<str> {
    if parent == "/" { format!("/{name}").into() } else { format!("{parent}/{name}").into() }
}

/// Whether ZooKeeper takes this for a path: it begins with `/`, does not end with one (but for the
/// root), has no empty, `.` or `..` names and none of the characters that ZooKeeper forbids
/// (control characters, and what is outside of the basic plane or private in it).
pub fn is_valid(path: &str) -> bool {
    let Some(names) = path.strip_prefix('/') else { return false };
    if names.is_empty() {
        return true;
    }
    names.split('/').all(|name| !matches!(name, "" | "." | ".."))
        && !path.chars().any(|c| {
            matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}'
                | '\u{fff0}'..)
        })
}

#[cfg(test)]
mod tests {
    use super::{is_valid, join, split};

    #[test]
    fn paths_that_zookeeper_refuses() {
        for path in ["", "a", "a/b", "/a/", "//", "/a//b", "/.", "/..", "/a/../b", "/a/.", "/\0"] {
            assert!(!is_valid(path), "{path:?}");
        }
        for path in ["/\u{1f}", "/\u{85}", "/\u{e000}", "/\u{ffff}", "/\u{1f600}"] {
            assert!(!is_valid(path), "{path:?}");
        }
        for path in ["/", "/a", "/a.b", "/...", "/.a/b..", "/ä/ö ü"] {
            assert!(is_valid(path), "{path:?}");
        }
    }

    #[test]
    fn a_path_is_its_parent_and_its_name() {
        assert_eq!(split("/"), None);
        assert_eq!(split("/a"), Some(("/", "a")));
        assert_eq!(split("/a/b"), Some(("/a", "b")));
        assert_eq!(&*join("/", "a"), "/a");
        assert_eq!(&*join("/a", "b"), "/a/b");
    }
}
