//! Jute, the record format of ZooKeeper: a reader that cannot be made to panic or over-allocate, and a writer.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The bytes do not parse; the message says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Reads jute values off the front of a buffer.
#[derive(Clone, Debug)]
pub struct Reader(Bytes);

impl Reader {
    /// Reads from the front of `bytes`.
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// What has not been read yet.
    pub fn rest(self) -> Bytes {
        self.0
    }

    /// How much has not been read yet.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// One byte as a boolean.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.take(1, "boolean")?[0] != 0)
    }

    /// A 32-bit integer.
    pub fn int(&mut self) -> Result<i32, Malformed> {
        Ok(self.take(4, "int")?.get_i32())
    }

    /// A 64-bit integer.
    pub fn long(&mut self) -> Result<i64, Malformed> {
        Ok(self.take(8, "long")?.get_i64())
    }

    /// A buffer; length −1 is null.
    pub fn buffer(&mut self) -> Result<Option<Bytes>, Malformed> {
        match self.int()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| Malformed("buffer length"))?;
                self.take(length, "buffer").map(Some)
            }
        }
    }

    /// A string in UTF-8; null is read as empty, as ZooKeeper's own clients treat it.
    pub fn string(&mut self) -> Result<Arc<str>, Malformed> {
        let bytes = self.buffer()?.unwrap_or_default();
        std::str::from_utf8(&bytes).map(Arc::from).map_err(|_| Malformed("string"))
    }

    /// A vector: a count (−1 for null, read as empty) and that many items. Grows with what is there, not with the count.
    pub fn vector<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.int()?.max(0);
        let mut items = Vec::new();
        for _ in 0..count {
            if self.0.is_empty() {
                return Err(Malformed("vector shorter than its count"));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize, what: &'static str) -> Result<Bytes, Malformed> {
        if self.0.len() < length {
            return Err(Malformed(what));
        }
        Ok(self.0.split_to(length))
    }
}

/// Writes jute values.
#[derive(Clone, Debug, Default)]
pub struct Writer(BytesMut);

impl Writer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer that [`Self::frame`] will put a length in front of.
    pub fn framed() -> Self {
        let mut bytes = BytesMut::with_capacity(64);
        bytes.put_i32(0);
        Self(bytes)
    }

    /// One byte as a boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.put_u8(u8::from(value));
        self
    }

    /// A 32-bit integer.
    pub fn int(&mut self, value: i32) -> &mut Self {
        self.0.put_i32(value);
        self
    }

    /// A 64-bit integer.
    pub fn long(&mut self, value: i64) -> &mut Self {
        self.0.put_i64(value);
        self
    }

    /// A buffer; `None` is null.
    pub fn buffer(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            None => self.int(-1),
            Some(bytes) => {
                self.int(length(bytes.len()));
                self.0.put_slice(bytes);
                self
            }
        }
    }

    /// A string.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.buffer(Some(value.as_bytes()))
    }

    /// A vector of `items`.
    pub fn vector<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.int(length(items.len()));
        for value in items {
            item(self, value);
        }
        self
    }

    /// Bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.put_slice(bytes);
        self
    }

    /// How much was written.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn finish(self) -> Bytes {
        self.0.freeze()
    }

    /// The bytes behind their length. Only for a writer made by [`Self::framed`].
    pub fn frame(mut self) -> Bytes {
        let body = length(self.0.len() - 4);
        self.0[..4].copy_from_slice(&body.to_be_bytes());
        self.0.freeze()
    }
}

fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("no message of ours is 2 GiB long")
}
