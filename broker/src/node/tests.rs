//! A broker on the bench, beside a small ZooKeeper.
