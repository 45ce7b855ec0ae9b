//! Which keys ZooKeeper knows: those that are modelled, those that are not, and what a misspelt one was meant to be.

/// Keys that have their effect here.
pub(super) const MODELLED: [&str; 15] = [
    "autopurge.purgeInterval",
    "autopurge.snapRetainCount",
    "clientPort",
    "clientPortAddress",
    "cnxTimeout",
    "dataDir",
    "dataLogDir",
    "forceSync",
    "initLimit",
    "maxClientCnxns",
    "maxSessionTimeout",
    "minSessionTimeout",
    "snapCount",
    "syncLimit",
    "tickTime",
];

/// Keys ZooKeeper knows (some only from 3.5 or 3.6 on) and that have no effect here.
const NOT_MODELLED: [&str; 37] = [
    "DigestAuthenticationProvider.superDigest",
    "clientPortListenBacklog",
    "commitLogCount",
    "connectToLearnerMasterLimit",
    "digest.enabled",
    "electionAlg",
    "enforce.auth.enabled",
    "extendedTypesEnabled",
    "flushDelay",
    "fsync.warningthresholdms",
    "globalOutstandingLimit",
    "jute.maxbuffer",
    "leaderServes",
    "localSessionsEnabled",
    "localSessionsUpgradingEnabled",
    "maxBatchSize",
    "maxCnxns",
    "observerMasterPort",
    "oraclePath",
    "peerType",
    "portUnification",
    "preAllocSize",
    "quorum.cnxn.threads.size",
    "quorumListenOnAllIPs",
    "readonlymode.enabled",
    "reconfigEnabled",
    "requestThrottleLimit",
    "requireClientAuthScheme",
    "secureClientPort",
    "secureClientPortAddress",
    "serverCnxnFactory",
    "skipACL",
    "snapSizeLimitInKb",
    "sslQuorum",
    "sslQuorumReloadCertFiles",
    "syncEnabled",
    "traceFile",
];

/// Families of such keys.
const NOT_MODELLED_PREFIXES: [&str; 12] = [
    "4lw.",
    "admin.",
    "authProvider.",
    "jaas",
    "jvm.",
    "kerberos.",
    "metricsProvider.",
    "multiAddress.",
    "nio",
    "quorum.",
    "sasl",
    "ssl.",
];

/// Whether ZooKeeper knows `key` although it has no effect here.
pub(super) fn is_known_but_not_modelled(key: &str) -> bool {
    NOT_MODELLED.contains(&key)
        || NOT_MODELLED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// The key `misspelt` was probably meant to be: the same but for case, or at most two letters away.
pub(super) fn nearest(misspelt: &str) -> Option<&'static str> {
    let known = || MODELLED.iter().chain(NOT_MODELLED.iter()).copied();
    known()
        .find(|key| key.eq_ignore_ascii_case(misspelt))
        .or_else(|| known().find(|key| within_two_edits(key, misspelt)))
}

/// Whether at most two letters must be added, removed or changed to make `b` of `a`.
fn within_two_edits(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return false;
    }
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let changed = above[column] + usize::from(x != y);
            current.push(changed.min(above[column + 1] + 1).min(current[column] + 1));
        }
        above = current;
    }
    above[b.len()] <= 2
}
