//! Names of files and directories: as the cache has them, as the platter has them, and the
//! operations in between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

use super::FileId;

/// A directory operation. It does nothing to a name that meanwhile belongs to another file.
#[derive(Clone, Debug)]
pub(super) enum NameOp {
    Create { path: Arc<str>, file: FileId },
    Rename { from: Arc<str>, to: Arc<str>, file: FileId },
    Remove { path: Arc<str>, file: FileId },
    MakeDir { path: Arc<str> },
}

/// One view of the names.
#[derive(Clone, Default)]
struct View {
    files: BTreeMap<Arc<str>, FileId>,
    dirs: BTreeSet<Arc<str>>,
    /// How many names each file has.
    links: BTreeMap<FileId, u32>,
}

impl View {
    /// Gives the file that lost this name, if one did.
    fn apply(&mut self, op: NameOp) -> Option<FileId> {
        match op {
            NameOp::Create { path, file } => self.name(path, file),
            NameOp::Rename { from, to, file } if self.files.get(&from) == Some(&file) => {
                self.unname(&from);
                self.name(to, file)
            }
            NameOp::Remove { path, file } if self.files.get(&path) == Some(&file) => {
                self.unname(&path)
            }
            NameOp::Rename { file, .. } | NameOp::Remove { file, .. } => Some(file),
            NameOp::MakeDir { path } => {
                self.dirs.insert(path);
                None
            }
        }
    }

    /// Gives the file that had this name before.
    fn name(&mut self, path: Arc<str>, file: FileId) -> Option<FileId> {
        let before = self.unname(&path);
        self.files.insert(path, file);
        *self.links.entry(file).or_insert(0) += 1;
        before
    }

    fn unname(&mut self, path: &str) -> Option<FileId> {
        let file = self.files.remove(path)?;
        if let Some(links) = self.links.get_mut(&file) {
            *links -= 1;
            if *links == 0 {
                self.links.remove(&file);
            }
        }
        Some(file)
    }
}

/// The names of one disk.
#[derive(Default)]
pub(super) struct Names {
    cached: View,
    /// The files of `cached` again, for looking up one: a walk down thousands of long paths that begin alike costs more than
    /// the disk call it is for. Nobody asks for its order.
    index: HashTable<(Arc<str>, FileId)>,
    durable: View,
    between: VecDeque<(u64, NameOp)>,
}

/// The directory a path is in.
pub(super) fn directory(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((directory, _)) => directory,
    }
}

fn hash(path: &str) -> u64 {
    xxh3_64(path.as_bytes())
}

impl Names {
    pub(super) fn find(&self, path: &str) -> Option<FileId> {
        let found = self.index.find(hash(path), |(name, _)| **name == *path);
        found.map(|(_, file)| *file)
    }

    /// Keeps the index in step with one name.
    fn note(&mut self, path: &Arc<str>) {
        let hash_of = |(name, _): &(Arc<str>, FileId)| hash(name);
        let known = self.index.entry(hash(path), |(name, _)| name == path, hash_of);
        match (known, self.cached.files.get(path)) {
            (known, Some(file)) => _ = known.insert((Arc::clone(path), *file)),
            (Entry::Occupied(gone), None) => _ = gone.remove(),
            (Entry::Vacant(_), None) => {}
        }
    }

    pub(super) fn has_dir(&self, path: &str) -> bool {
        path == "/" || self.cached.dirs.contains(path)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, FileId)> {
        self.cached.files.iter().map(|(path, file)| (&**path, *file))
    }

    /// The sorted names in a directory.
    pub(super) fn list(&self, path: &str) -> Option<Vec<String>> {
        if !self.has_dir(path) {
            return None;
        }
        let prefix = if path == "/" { path.to_owned() } else { format!("{path}/") };
        let below = (Bound::Excluded(prefix.as_str()), Bound::Unbounded);
        let files = self.cached.files.range::<str, _>(below).map(|(name, _)| name);
        let dirs = self.cached.dirs.range::<str, _>(below);
        let inside = |name: &&Arc<str>| name.starts_with(&prefix);
        let all = files.take_while(inside).chain(dirs.take_while(inside));
        let names = all.map(|name| &name[prefix.len()..]).filter(|name| !name.contains('/'));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Some(names)
    }

    pub(super) fn create_dir(&mut self, number: u64, path: &str) {
        let mut missing = Vec::new();
        let mut path = path.trim_end_matches('/');
        while !path.is_empty() && path != "/" && !self.has_dir(path) {
            missing.push(path);
            path = directory(path);
        }
        for path in missing.into_iter().rev() {
            self.change(number, NameOp::MakeDir { path: path.into() });
        }
    }

    pub(super) fn change(&mut self, number: u64, op: NameOp) {
        self.cached.apply(op.clone());
        match &op {
            NameOp::Create { path, .. } | NameOp::Remove { path, .. } => self.note(path),
            NameOp::Rename { from, to, .. } => {
                self.note(from);
                self.note(to);
            }
            NameOp::MakeDir { .. } => {}
        }
        self.between.push_back((number, op));
    }

    /// Whether this name will surely be there after power loss.
    pub(super) fn surely(&self, path: &str, file: FileId) -> bool {
        self.durable.files.get(path) == Some(&file)
            && !self.between.iter().any(|(_, op)| match op {
                NameOp::Rename { from, to, file: moved } => {
                    (**from == *path && *moved == file) || (**to == *path && *moved != file)
                }
                NameOp::Remove { path: removed, file: gone } => **removed == *path && *gone == file,
                NameOp::Create { path: made, file: new } => **made == *path && *new != file,
                NameOp::MakeDir { .. } => false,
            })
    }

    /// Whether any name, here or on the platter or in between, leads to this file.
    pub(super) fn names_file(&self, file: FileId) -> bool {
        let named = |view: &View| view.links.contains_key(&file);
        let made =
            |(_, op): &(u64, NameOp)| matches!(op, NameOp::Create { file: f, .. } if *f == file);
        named(&self.cached) || named(&self.durable) || self.between.iter().any(made)
    }

    /// Makes the operations up to `number` that `chosen` picks durable. Gives the files that lost
    /// a name, and may have lost their last one.
    pub(super) fn commit(
        &mut self,
        number: u64,
        mut chosen: impl FnMut(&NameOp) -> bool,
    ) -> Vec<FileId> {
        let mut unnamed = Vec::new();
        let Self { durable, between, .. } = self;
        between.retain(|(at, op)| {
            let take = *at <= number && chosen(op);
            if take {
                unnamed.extend(durable.apply(op.clone()));
            }
            !take
        });
        unnamed
    }

    /// All files that some name leads to, after power loss.
    pub(super) fn named(&self) -> BTreeSet<FileId> {
        self.cached.files.values().copied().collect()
    }

    /// How many operations are not durable.
    pub(super) fn pending(&self) -> usize {
        self.between.len()
    }

    /// The first `kept` of the operations in between survive.
    pub(super) fn power_loss(&mut self, kept: usize) {
        for (_, op) in self.between.drain(..).take(kept) {
            self.durable.apply(op);
        }
        self.cached = self.durable.clone();
        self.index.clear();
        for path in self.cached.files.keys().cloned().collect::<Vec<_>>() {
            self.note(&path);
        }
    }
}

impl NameOp {
    /// Whether it changes what is in this directory.
    pub(super) fn is_in(&self, dir: &str) -> bool {
        match self {
            Self::Create { path, .. } | Self::Remove { path, .. } | Self::MakeDir { path } => {
                directory(path) == dir
            }
            Self::Rename { from, to, .. } => directory(from) == dir || directory(to) == dir,
        }
    }
}
