//! How long things may take and what is allowed, from the settings of the brokers on the stage.

use broker::config::Config;
use machine::Duration;

/// The widest settings of all brokers, and the tick of their ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `zookeeper.session.timeout.ms`
    pub session_timeout: Duration,
    /// `tickTime` of ZooKeeper.
    pub tick: Duration,
    /// `replica.lag.time.max.ms`
    pub replica_lag_max: Duration,
    /// `replica.fetch.wait.max.ms`
    pub replica_fetch_wait_max: Duration,
    /// The longest time-out of a request between brokers: after a silence one of them may have to run out.
    pub socket_timeout: Duration,
    /// `leader.imbalance.check.interval.seconds`; `None` where some broker does not rebalance.
    pub rebalance_every: Option<Duration>,
    /// `leader.imbalance.per.broker.percentage`
    pub imbalance_percentage: u32,
    /// `min.insync.replicas` where a topic does not say.
    pub min_insync_replicas: u32,
    /// Whether some broker elects unclean leaders where a topic does not say.
    pub unclean: bool,
    /// Whether any broker was asked.
    pub are_known: bool,
}

impl Default for Bounds {
    /// Those of Kafka 2.5.
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(18),
            tick: Duration::from_secs(2),
            replica_lag_max: Duration::from_secs(30),
            replica_fetch_wait_max: Duration::from_millis(500),
            socket_timeout: Duration::from_secs(30),
            rebalance_every: Some(Duration::from_secs(300)),
            imbalance_percentage: 10,
            min_insync_replicas: 1,
            unclean: false,
            are_known: false,
        }
    }
}

impl Bounds {
    /// Takes in a broker's settings: the first one's replace the defaults.
    pub fn widen(&mut self, config: &Config) {
        let tick = self.tick;
        let its = Self {
            session_timeout: config.zookeeper_session_timeout,
            tick,
            replica_lag_max: config.replica_lag_max,
            replica_fetch_wait_max: config.replica_fetch_wait_max,
            socket_timeout: config.controller_socket_timeout.max(config.replica_socket_timeout),
            rebalance_every: config.rebalance.then_some(config.imbalance_check_interval),
            imbalance_percentage: config.imbalance_percentage,
            min_insync_replicas: config.topic_defaults.min_insync_replicas,
            unclean: config.topic_defaults.unclean_leader_election,
            are_known: true,
        };
        *self = if self.are_known { self.or_wider(&its) } else { its };
    }

    /// How long it takes to replace a broker that is gone without a word: its session must end, and ZooKeeper looks at
    /// sessions by ticks; and 5 s to elect.
    pub fn failover(&self) -> Duration {
        self.session_timeout + self.tick.times(2) + Duration::from_secs(5)
    }

    fn or_wider(&self, other: &Self) -> Self {
        let rebalance = self.rebalance_every.zip(other.rebalance_every);
        Self {
            session_timeout: self.session_timeout.max(other.session_timeout),
            tick: self.tick.max(other.tick),
            replica_lag_max: self.replica_lag_max.max(other.replica_lag_max),
            replica_fetch_wait_max: self.replica_fetch_wait_max.max(other.replica_fetch_wait_max),
            socket_timeout: self.socket_timeout.max(other.socket_timeout),
            rebalance_every: rebalance.map(|(one, other)| one.max(other)),
            imbalance_percentage: self.imbalance_percentage.max(other.imbalance_percentage),
            min_insync_replicas: self.min_insync_replicas.max(other.min_insync_replicas),
            unclean: self.unclean || other.unclean,
            are_known: true,
        }
    }
}
