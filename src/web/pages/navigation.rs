//! The header's entries.

use super::Page;
use crate::auth::Role;

/// What only those who may upload see.
const OF_WRITERS: [&str; 2] = ["/upload", "/uploads"];

/// Where the pages of administrators begin.
const ADMIN: &str = "/admin";

/// Path and name, in the order of a working day.
const ENTRIES: [(&str, &str); 8] = [
    ("/", "New"),
    ("/upload", "Upload"),
    ("/uploads", "Log"),
    ("/curves", "Curves"),
    ("/headroom", "Headroom"),
    ("/carbon", "Carbon"),
    ("/download", "Download"),
    (ADMIN, "Admin"),
];

impl Page {
    /// The entries that the user's role may use.
    pub fn navigation(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (writes, administers) = (self.writes(), self.administers());
        let may = move |path: &str| match path {
            ADMIN => administers,
            path => writes || !OF_WRITERS.contains(&path),
        };
        ENTRIES.into_iter().filter(move |(path, _)| may(path))
    }

    /// Whether the reader of the page may upload, and so see the log.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role >= Role::ReadWrite)
    }

    /// Whether the reader of the page is an administrator.
    #[must_use]
    pub fn administers(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role == Role::Admin)
    }

    /// Whether this page lies under `path`; the home page is only itself.
    #[must_use]
    pub fn is_in(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || path != "/" && rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::PageUser;

    fn page(path: &str, role: Role) -> Page {
        Page {
            title: "A page".into(),
            user: Some(PageUser { email: "a@b".into(), role }),
            csrf: String::new(),
            path: path.into(),
        }
    }

    #[test]
    fn a_page_marks_its_own_entry_and_no_other() {
        let page = page("/uploads/17", Role::ReadOnly);
        let marked: Vec<_> = ENTRIES.into_iter().filter(|(path, _)| page.is_in(path)).collect();
        assert_eq!(marked, [("/uploads", "Log")]);
    }

    #[test]
    fn readers_are_not_offered_what_they_may_not_do() {
        for entry in OF_WRITERS {
            assert!(!page("/", Role::ReadOnly).navigation().any(|(path, _)| path == entry));
            assert!(page("/", Role::ReadWrite).navigation().any(|(path, _)| path == entry));
        }
        for (role, sees) in [(Role::ReadWrite, false), (Role::Admin, true)] {
            assert_eq!(page("/", role).navigation().any(|(path, _)| path == ADMIN), sees);
        }
    }
}
