//! YAML as a tree in which every key and every value knows where it stands, with aliases and merges resolved.
//!
//! Scalars stay text: what type a value has is decided by whoever reads it. Not here: what the keys mean.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle, Tag, options};

/// A file longer than this is refused, in bytes. Compose files of people are a hundredth of it.
pub(super) const BYTES_MAX: usize = 1 << 20;
/// Nodes a file may have after aliases and merges are expanded.
const NODES_MAX: usize = 50_000;
/// How deep nodes may be nested after aliases are expanded.
const DEPTH_MAX: usize = 64;

/// A value and its place.
#[derive(Debug)]
pub(super) struct Node {
    /// What it is.
    pub value: Value,
    /// Where, in bytes.
    pub span: Range<usize>,
    /// Written in brackets or braces.
    pub is_flow: bool,
    /// `reset` or `override`: what Compose does with it when files are merged.
    pub tag: Option<String>,
    nodes: usize,
    depth: usize,
}

/// The three kinds of YAML values.
#[derive(Debug)]
pub(super) enum Value {
    /// Text; `plain` when it stands without quotes and could be read as a number, a boolean or nothing.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping, in the order of the file; merged entries come last.
    Map(Vec<(Key, Rc<Node>)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub text: Rc<str>,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// Why a text is not YAML that can be used.
#[derive(Debug)]
pub(super) struct Malformed {
    /// Where, in bytes.
    pub offset: usize,
    /// What the parser says.
    pub message: String,
    /// Where the same key stood first, if this is a duplicate key.
    pub duplicate_of: Option<Range<usize>>,
}

impl Node {
    /// A mapping put together from parts of others.
    pub fn map(entries: Vec<(Key, Rc<Node>)>, span: Range<usize>) -> Rc<Self> {
        let (nodes, depth) = extent(entries.iter().map(|(_, value)| value));
        let value = Value::Map(entries);
        Rc::new(Self { value, span, is_flow: false, tag: None, nodes, depth })
    }

    /// A list put together from parts of others.
    pub fn list(items: Vec<Rc<Node>>, span: Range<usize>) -> Rc<Self> {
        let (nodes, depth) = extent(items.iter());
        let value = Value::List(items);
        Rc::new(Self { value, span, is_flow: false, tag: None, nodes, depth })
    }

    /// Text that stands for a value there; `plain` as in [`Value::Scalar`].
    pub fn scalar(text: &str, plain: bool, span: Range<usize>) -> Rc<Self> {
        let value = Value::Scalar { text: text.to_owned(), plain };
        Rc::new(Self { value, span, is_flow: false, tag: None, nodes: 1, depth: 1 })
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands there (`key:`, `key: null`, `key: ~`).
    pub fn is_null(&self) -> bool {
        let nothing = |text: &str| matches!(text, "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.value, Value::Scalar { text, plain: true } if nothing(text))
    }

    /// The items of a list, or nothing.
    pub fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, or nothing.
    pub fn entries(&self) -> &[(Key, Rc<Node>)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Rc<Node>> {
        self.entries().iter().find(|(k, _)| &*k.text == key).map(|(_, value)| value)
    }
}

/// Reads the first document of `text`; `None` where there is none. Its places begin at `base`.
pub(super) fn parse(text: &str, base: usize) -> Result<Option<Rc<Node>>, Malformed> {
    let mut tree = Tree { text, base, ..Tree::default() };
    let settings = options! { flow_nesting_limit: DEPTH_MAX, block_nesting_limit: DEPTH_MAX };
    for event in Parser::new_from_str_with_options(text, settings) {
        let (event, span) = event.map_err(|error| Malformed {
            offset: tree.offset(*error.marker()),
            message: error.kind().to_string(),
            duplicate_of: None,
        })?;
        let at = tree.range(&span);
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: value.into_owned(), plain };
                let form = Form { anchor, is_flow: false, tag: local(tag.as_deref()) };
                tree.complete(value, at, form)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let form = Form::of(style, anchor, tag.as_deref());
                tree.open(at, form, Parts::List(Vec::new()));
            }
            Event::MappingStart(style, anchor, tag) => {
                let form = Form::of(style, anchor, tag.as_deref());
                tree.open(at, form, Parts::Map(Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => tree.close(at)?,
            Event::Alias(id) => tree.alias(id, at)?,
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Ok(tree.root)
}

/// What stands before a value.
struct Form {
    anchor: usize,
    is_flow: bool,
    tag: Option<String>,
}

impl Form {
    fn of(style: StructureStyle, anchor: usize, tag: Option<&Tag>) -> Self {
        Self { anchor, is_flow: style == StructureStyle::Flow, tag: local(tag) }
    }
}

/// A tag of Compose's own (`!reset`).
fn local(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle() == "!").map(|tag| tag.suffix().to_owned())
}

/// A collection whose end has not been seen.
struct Open {
    start: usize,
    form: Form,
    parts: Parts,
    key: Option<Key>,
    seen: BTreeMap<Rc<str>, Range<usize>>,
}

enum Parts {
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// The tree while it grows.
#[derive(Default)]
struct Tree<'t> {
    text: &'t str,
    base: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Node>>,
    nodes: usize,
    root: Option<Rc<Node>>,
}

impl Tree<'_> {
    fn open(&mut self, at: Range<usize>, form: Form, parts: Parts) {
        let (start, seen) = (at.start, BTreeMap::new());
        self.open.push(Open { start, form, parts, key: None, seen });
    }

    fn close(&mut self, at: Range<usize>) -> Result<(), Malformed> {
        let Some(closed) = self.open.pop() else { return Ok(()) };
        let span = closed.start..at.end.max(closed.start);
        let value = match closed.parts {
            Parts::List(items) => Value::List(items),
            Parts::Map(entries) => Value::Map(self.merged(entries)?),
        };
        self.complete(value, span, closed.form)
    }

    fn alias(&mut self, id: usize, at: Range<usize>) -> Result<(), Malformed> {
        let Some(target) = self.anchors.get(&id).cloned() else {
            return Err(malformed(at.start, "an alias stands inside what it stands for"));
        };
        self.spend(target.nodes, at.start)?;
        self.attach(target, at)
    }

    /// A value is whole: it becomes a node.
    fn complete(&mut self, value: Value, at: Range<usize>, form: Form) -> Result<(), Malformed> {
        let Form { anchor, is_flow, tag } = form;
        let (nodes, depth) = match &value {
            Value::Scalar { .. } => (1, 1),
            Value::List(items) => extent(items.iter()),
            Value::Map(entries) => extent(entries.iter().map(|(_, value)| value)),
        };
        if depth > DEPTH_MAX {
            return Err(malformed(at.start, &format!("nested more than {DEPTH_MAX} deep")));
        }
        self.spend(1, at.start)?;
        let node = Rc::new(Node { value, span: at.clone(), is_flow, tag, nodes, depth });
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.attach(node, at)
    }

    fn spend(&mut self, nodes: usize, at: usize) -> Result<(), Malformed> {
        self.nodes = self.nodes.saturating_add(nodes);
        match self.nodes > NODES_MAX {
            true => Err(malformed(at, &format!("aliases make more than {NODES_MAX} values of it"))),
            false => Ok(()),
        }
    }

    /// Puts a node where it belongs: the root, an item, a key or a value.
    fn attach(&mut self, node: Rc<Node>, at: Range<usize>) -> Result<(), Malformed> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.parts, parent.key.take()) {
            (Parts::List(items), _) => items.push(node),
            (Parts::Map(entries), Some(key)) => entries.push((key, node)),
            (Parts::Map(_), None) => {
                let Some(text) = node.text() else {
                    return Err(malformed(at.start, "a list or a mapping cannot be a key"));
                };
                let key = Key { text: text.into(), span: at.clone() };
                let first = parent.seen.insert(key.text.clone(), at.clone());
                if let (Some(first), false) = (first, text == "<<") {
                    let message = format!("the key `{text}` stands twice in one mapping");
                    let duplicate_of = Some(first);
                    return Err(Malformed { offset: at.start, message, duplicate_of });
                }
                parent.key = Some(key);
            }
        }
        Ok(())
    }

    /// Resolves `<<`: entries of the merged mappings that the mapping does not have itself.
    fn merged(&mut self, entries: Vec<(Key, Rc<Node>)>) -> Result<Vec<(Key, Rc<Node>)>, Malformed> {
        if entries.iter().all(|(key, _)| &*key.text != "<<") {
            return Ok(entries);
        }
        let (merges, mut own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(key, _)| &*key.text == "<<");
        let mut known: BTreeSet<Rc<str>> = own.iter().map(|(key, _)| key.text.clone()).collect();
        for (at, merge) in &merges {
            let single = std::slice::from_ref(merge);
            let sources = if merge.items().is_empty() { single } else { merge.items() };
            for source in sources {
                self.spend(source.entries().len(), at.span.start)?;
                for (key, value) in source.entries() {
                    if known.insert(key.text.clone()) {
                        own.push((key.clone(), value.clone()));
                    }
                }
            }
        }
        Ok(own)
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let start = self.offset(span.start);
        start..self.offset(span.end).max(start)
    }

    fn offset(&self, marker: Marker) -> usize {
        let by_characters = || self.text.char_indices().nth(marker.index()).map(|(at, _)| at);
        let at = marker.byte_offset().or_else(by_characters);
        self.base + at.unwrap_or(self.text.len()).min(self.text.len())
    }
}

/// How many nodes there are in a collection, and how deep they are nested.
fn extent<'n>(children: impl Iterator<Item = &'n Rc<Node>>) -> (usize, usize) {
    children.fold((1, 1), |(nodes, depth), child| {
        (nodes.saturating_add(child.nodes), depth.max(child.depth + 1))
    })
}

fn malformed(offset: usize, message: &str) -> Malformed {
    Malformed { offset, message: message.to_owned(), duplicate_of: None }
}
