//! The error codes of `KeeperException` that travel in replies or that a client makes itself.

/// No error.
pub const OK: i32 = 0;
/// Inside a failed multi: not tried, because an earlier part failed.
pub const RUNTIME_INCONSISTENCY: i32 = -2;
/// The connection broke before an answer. Made by the client.
pub const CONNECTION_LOSS: i32 = -4;
/// The request did not parse.
pub const MARSHALLING_ERROR: i32 = -5;
/// An operation this server does not have.
pub const UNIMPLEMENTED: i32 = -6;
/// Bad arguments, such as a path that is none.
pub const BAD_ARGUMENTS: i32 = -8;
/// No such znode.
pub const NO_NODE: i32 = -101;
/// Not authorised.
pub const NO_AUTH: i32 = -102;
/// The version is another one.
pub const BAD_VERSION: i32 = -103;
/// An ephemeral znode cannot have children.
pub const NO_CHILDREN_FOR_EPHEMERALS: i32 = -108;
/// The znode exists.
pub const NODE_EXISTS: i32 = -110;
/// The znode has children.
pub const NOT_EMPTY: i32 = -111;
/// The session is gone, or going.
pub const SESSION_EXPIRED: i32 = -112;
/// An access control list that is none.
pub const INVALID_ACL: i32 = -114;
/// Authentication failed.
pub const AUTH_FAILED: i32 = -115;
/// The session is now served by another server.
pub const SESSION_MOVED: i32 = -118;
/// A write to a read-only server.
pub const NOT_READ_ONLY: i32 = -119;

/// A few words for a code, with its number.
pub fn meaning(code: i32) -> String {
    let words = match code {
        OK => "no error",
        RUNTIME_INCONSISTENCY => "not tried",
        CONNECTION_LOSS => "connection lost",
        MARSHALLING_ERROR => "request does not parse",
        UNIMPLEMENTED => "not implemented",
        BAD_ARGUMENTS => "bad arguments",
        NO_NODE => "no such znode",
        NO_AUTH => "not authorised",
        BAD_VERSION => "another version",
        NO_CHILDREN_FOR_EPHEMERALS => "no children for ephemerals",
        NODE_EXISTS => "znode exists",
        NOT_EMPTY => "znode has children",
        SESSION_EXPIRED => "session expired",
        INVALID_ACL => "invalid ACL",
        AUTH_FAILED => "authentication failed",
        SESSION_MOVED => "session moved",
        NOT_READ_ONLY => "server is read-only",
        _ => return format!("error {code}"),
    };
    format!("{words} ({code})")
}
