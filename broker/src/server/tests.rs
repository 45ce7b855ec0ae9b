//! Connections, queue and handlers, as clients notice them.
