//! From a finished run to what people and machines read. Knows runs, not protocols: every sentence about ZooKeeper or Kafka
//! was rendered by the one who knows.
//!
//! [`run::Run`] is the one value; [`text`] and [`json`] tell one of them, [`summary`] tells many.

pub mod json;
pub mod run;
pub mod style;
pub mod summary;
pub mod survey;
pub mod text;
