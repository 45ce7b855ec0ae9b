//! The network side of a broker: accepted connections (one request of each at a time), the request queue, request handlers
//! as permits, and the APIs that are answered from metadata and ZooKeeper (Metadata, CreateTopics, DescribeConfigs, …).
