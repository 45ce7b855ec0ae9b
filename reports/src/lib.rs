//! From a finished run to what people and machines read. Knows runs and traces, not protocols: every sentence about
//! ZooKeeper or Kafka was rendered by the one who knows.

pub mod run;
