//! The value of one `server.N` line, in the form of 3.4 and in the one of 3.5 and later.
//!
//! ```text
//! 3.4    host:port[:electionPort[:participant|observer]]
//! 3.5+   host:port:electionPort[:participant|observer][;[clientAddress:]clientPort]
//! ```

use super::ConfigErrorKind::{self, NotModelled, Refused};
use super::Server;

/// A `server.N` value taken apart.
pub(super) struct Line {
    pub host: String,
    pub quorum_port: u16,
    /// Only 3.4 lets it be absent, and only until it counts its servers.
    pub election_port: Option<u16>,
    /// `address:port` after the semicolon.
    pub client: Option<String>,
}

impl Line {
    /// The line as an ensemble needs it, if it names an election port.
    pub fn server(&self) -> Option<Server> {
        let election_port = self.election_port?;
        Some(Server { host: self.host.clone(), quorum_port: self.quorum_port, election_port })
    }
}

/// What went wrong, and who says so.
pub(super) type Wrong = (ConfigErrorKind, String);

/// Reads the form of 3.4: a semicolon is just a letter of the election port, which then is no number.
pub(super) fn read_static(value: &str) -> Result<Line, Wrong> {
    let parts = split_host(value);
    let [host, port, rest @ ..] = parts.as_slice() else {
        let form = "host:port or host:port:port  or host:port:port:type";
        return Err((Refused, format!("{value} does not have the form {form}")));
    };
    let quorum_port = port_number(port)?;
    let election_port = rest.first().map(|port| port_number(port)).transpose()?;
    if let Some(role) = rest.get(1) {
        participant(role, value)?;
    }
    Ok(Line { host: host.clone(), quorum_port, election_port, client: None })
}

/// Reads the form of 3.5 and later.
pub(super) fn read_dynamic(value: &str) -> Result<Line, Wrong> {
    let form = "server_config or server_config;client_config where server_config is the pipe separated list of \
                host:port:port or host:port:port:type and client_config is port or host:port";
    let malformed = || (Refused, format!("{value} does not have the form {form}"));
    let mut halves = value.split(';');
    let server = halves.next().unwrap_or_default();
    let client = halves.next().filter(|client| !client.is_empty());
    if halves.next().is_some() {
        return Err(malformed());
    }
    if server.contains('|') {
        return Err((
            NotModelled,
            format!("several addresses of one server are not modelled: {value}"),
        ));
    }
    let parts = split_host(server);
    let [host, quorum, election, role @ ..] = parts.as_slice() else { return Err(malformed()) };
    match role {
        [] => {}
        [role] => participant(role, value)?,
        _ => return Err(malformed()),
    }
    Ok(Line {
        host: host.clone(),
        quorum_port: port_number(quorum)?,
        election_port: Some(port_number(election)?),
        client: client.map(|client| client_address(client, &malformed)).transpose()?,
    })
}

/// `2181` or `address:2181`, always returned with an address.
fn client_address(client: &str, malformed: &dyn Fn() -> Wrong) -> Result<String, Wrong> {
    match split_host(client).as_slice() {
        [port] => Ok(format!("0.0.0.0:{}", port_number(port)?)),
        [host, port] => Ok(format!("{host}:{}", port_number(port)?)),
        _ => Err(malformed()),
    }
}

/// Splits at colons, a leading `[address]` staying whole.
fn split_host(value: &str) -> Vec<String> {
    if let Some((address, rest)) = value.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let mut parts = vec![format!("[{address}]")];
        parts.extend(rest.split(':').filter(|part| !part.is_empty()).map(str::to_owned));
        return parts;
    }
    let mut parts: Vec<String> = value.split(':').map(str::to_owned).collect();
    // Java's String.split drops empty strings at the end.
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

fn participant(role: &str, value: &str) -> Result<(), Wrong> {
    match role.to_lowercase().as_str() {
        "participant" => Ok(()),
        "observer" => Err((NotModelled, format!("observers are not modelled: {value}"))),
        _ => Err((Refused, format!("Unrecognised peertype: {value}"))),
    }
}

/// A port as Java reads it.
pub(super) fn port_number(text: &str) -> Result<u16, Wrong> {
    let number = integer(text)?;
    u16::try_from(number).map_err(|_| (Refused, format!("port out of range:{number}")))
}

/// `Integer.parseInt`: 32 bits, one sign allowed, no blanks.
pub(super) fn integer(text: &str) -> Result<i64, Wrong> {
    text.parse::<i32>()
        .map(i64::from)
        .map_err(|_| (Refused, format!("For input string: \"{text}\"")))
}
