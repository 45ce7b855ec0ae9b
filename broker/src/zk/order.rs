//! The orders in which the maps of Scala 2.12 and Java walk through their keys. They can be seen in znodes: whoever reads
//! JSON does not care, whoever compares bytes does.

/// The order of Scala's immutable maps with more than four keys (`HashTrieMap`): five bits of the mixed hash at a time.
/// Up to four keys keep the order in which they were put.
pub(super) fn immutable<K>(keys: &mut [K], hash: impl Fn(&K) -> u32) {
    if keys.len() > 4 {
        keys.sort_by_key(|key| {
            let mixed = mixed(hash(key));
            // The groups of five bits, the lowest first.
            (0..7).fold(0u64, |path, group| path << 5 | u64::from(mixed >> (5 * group) & 0x1f))
        });
    }
}

/// `HashMap.improve`
fn mixed(hash: u32) -> u32 {
    let hash = hash.wrapping_add(!(hash << 9));
    let hash = hash ^ hash >> 14;
    let hash = hash.wrapping_add(hash << 4);
    hash ^ hash >> 10
}

/// The order of Scala's `mutable.HashMap`: down the table from its end.
pub(super) fn mutable<K>(keys: &mut [K], hash: impl Fn(&K) -> u32) {
    let mut table = 16;
    // It grows when it is three quarters full.
    while keys.len() * 4 > table * 3 {
        table *= 2;
    }
    let seed = (table as u32 - 1).count_ones();
    let place = |key: &K| {
        let swapped = hash(key).wrapping_mul(SWAP).swap_bytes().wrapping_mul(SWAP);
        swapped.rotate_right(seed % 32) >> (32 - seed)
    };
    keys.sort_by_key(|key| std::cmp::Reverse(place(key)));
}

/// The factor of `scala.util.hashing.byteswap32`.
const SWAP: u32 = 0x9e37_75cd;

/// The order of Java's `Properties` (since 9 a `ConcurrentHashMap`, whose table begins with 16 places).
pub(super) fn properties<K>(keys: &mut [K], hash: impl Fn(&K) -> u32) {
    let mut table = 16;
    while keys.len() * 4 >= table * 3 {
        table *= 2;
    }
    let mask = table as u32 - 1;
    keys.sort_by_key(|key| {
        let hash = hash(key);
        (hash ^ hash >> 16) & mask
    });
}

/// `String.hashCode`
pub(super) fn text_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// `TopicPartition.hashCode`
pub(super) fn partition_hash(topic: u32, partition: i32) -> u32 {
    31u32.wrapping_add(partition as u32).wrapping_mul(31).wrapping_add(topic)
}
