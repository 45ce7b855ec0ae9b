//! What the Java client makes of the protocol's error codes: whether it tries again, whether newer metadata may help, and
//! which exception with which words its users see. The codes themselves are in [`crate::wire::error`].

use crate::wire::error::*;

/// Whether newer metadata may put it right (`InvalidMetadataException`).
pub fn is_invalid_metadata(code: i16) -> bool {
    matches!(
        code,
        UNKNOWN_TOPIC_OR_PARTITION
            | LEADER_NOT_AVAILABLE
            | NOT_LEADER_FOR_PARTITION
            | REPLICA_NOT_AVAILABLE
            | NETWORK_EXCEPTION
            | KAFKA_STORAGE_ERROR
            | FENCED_LEADER_EPOCH
            | PREFERRED_LEADER_NOT_AVAILABLE
            | ELIGIBLE_LEADERS_NOT_AVAILABLE
            | ELECTION_NOT_NEEDED
    )
}

/// Whether the same request may succeed later (`RetriableException`).
pub fn is_retriable(code: i16) -> bool {
    is_invalid_metadata(code)
        || matches!(
            code,
            CORRUPT_MESSAGE
                | REQUEST_TIMED_OUT
                | COORDINATOR_NOT_AVAILABLE
                | NOT_ENOUGH_REPLICAS
                | NOT_ENOUGH_REPLICAS_AFTER_APPEND
                | NOT_CONTROLLER
                | FETCH_SESSION_ID_NOT_FOUND
                | INVALID_FETCH_SESSION_EPOCH
                | UNKNOWN_LEADER_EPOCH
                | OFFSET_NOT_AVAILABLE
        )
}

/// The Java class of an error, without its package, and the words it carries if the broker sent none.
pub fn exception(code: i16) -> (&'static str, &'static str) {
    match code {
        UNKNOWN_TOPIC_OR_PARTITION => {
            ("UnknownTopicOrPartitionException", "This server does not host this topic-partition.")
        }
        LEADER_NOT_AVAILABLE => (
            "LeaderNotAvailableException",
            "There is no leader for this topic-partition as we are in the middle of a leadership election.",
        ),
        REQUEST_TIMED_OUT => ("TimeoutException", "The request timed out."),
        BROKER_NOT_AVAILABLE => ("BrokerNotAvailableException", "The broker is not available."),
        NETWORK_EXCEPTION => {
            ("NetworkException", "The server disconnected before a response was received.")
        }
        INVALID_TOPIC_EXCEPTION => (
            "InvalidTopicException",
            "The request attempted to perform an operation on an invalid topic.",
        ),
        UNSUPPORTED_VERSION => {
            ("UnsupportedVersionException", "The version of API is not supported.")
        }
        TOPIC_ALREADY_EXISTS => ("TopicExistsException", "Topic with this name already exists."),
        INVALID_PARTITIONS => ("InvalidPartitionsException", "Number of partitions is below 1."),
        INVALID_REPLICATION_FACTOR => (
            "InvalidReplicationFactorException",
            "Replication factor is below 1 or larger than the number of available brokers.",
        ),
        INVALID_REPLICA_ASSIGNMENT => {
            ("InvalidReplicaAssignmentException", "Replica assignment is invalid.")
        }
        INVALID_CONFIG => ("InvalidConfigurationException", "Configuration is invalid."),
        NOT_CONTROLLER => {
            ("NotControllerException", "This is not the correct controller for this cluster.")
        }
        INVALID_REQUEST => (
            "InvalidRequestException",
            "This most likely occurs because of a request being malformed by the client library or the message was \
             sent to an incompatible broker. See the broker logs for more details.",
        ),
        POLICY_VIOLATION => {
            ("PolicyViolationException", "Request parameters do not satisfy the configured policy.")
        }
        TOPIC_DELETION_DISABLED => {
            ("TopicDeletionDisabledException", "Topic deletion is disabled.")
        }
        PREFERRED_LEADER_NOT_AVAILABLE => {
            ("PreferredLeaderNotAvailableException", "The preferred leader was not available.")
        }
        ELIGIBLE_LEADERS_NOT_AVAILABLE => (
            "EligibleLeadersNotAvailableException",
            "Eligible topic partition leaders are not available.",
        ),
        ELECTION_NOT_NEEDED => {
            ("ElectionNotNeededException", "Leader election not needed for topic partition.")
        }
        _ => (
            "UnknownServerException",
            "The server experienced an unexpected error when processing the request.",
        ),
    }
}
