//! A client we did not write talks to our servers over real sockets: it creates, reads, watches and holds ephemerals while
//! a server is killed and restarted.

use std::time::Duration;

use coordinator::config::Config;
use coordinator::mechanism::{Mechanisms, Preset};
use coordinator::node::Coordinator;
use sim::live::{Live, NodeSpec, Options};
use zookeeper_client::{Acls, Client, CreateMode, EventType, SessionState};

/// Three servers on loopback, with their files in a folder that goes when the test ends.
struct Ensemble {
    live: Live,
    connect: String,
    _folder: tempfile::TempDir,
}

impl Ensemble {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the servers' files");
        let mut live = Live::new(Options { seed: Some(1) });
        let names = ["zk-1", "zk-2", "zk-3"];
        let mut addresses = Vec::new();
        for name in names {
            for port in [2888, 3888] {
                live.reserve(name, port).expect("a free port");
            }
            // Clients listen on all addresses, so each needs a number of its own.
            let port = 2180 + addresses.len() as u16;
            addresses.push(live.reserve(name, port).expect("a free port").to_string());
        }
        for (index, name) in names.into_iter().enumerate() {
            let settings = [
                ("tickTime", "200".to_owned()),
                ("initLimit", "10".to_owned()),
                ("syncLimit", "5".to_owned()),
                ("dataDir", "/data".to_owned()),
                ("clientPortAddress", name.to_owned()),
                ("clientPort", (2180 + index).to_string()),
                ("maxSessionTimeout", "60000".to_owned()),
                ("server.1", "zk-1:2888:3888".to_owned()),
                ("server.2", "zk-2:2888:3888".to_owned()),
                ("server.3", "zk-3:2888:3888".to_owned()),
            ];
            let settings: Vec<_> =
                settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let id = (index + 1).to_string();
            let (preset, mechanisms) = (Preset::Fixed, Mechanisms::default());
            let (config, _) = Config::from_properties(&settings, Some(&id), preset, mechanisms)
                .expect("a good configuration");
            let root = folder.path().join(name);
            let spec = NodeSpec { name: name.to_owned(), aliases: Vec::new(), root };
            live.start(spec, move |_| Coordinator::new(config.clone())).expect("a node starts");
        }
        Self { live, connect: addresses.join(","), _folder: folder }
    }
}

async fn connect(ensemble: &Ensemble) -> Client {
    connect_to(&ensemble.connect).await
}

/// The client gives up when its session time-out has passed without one: long enough for a slow election on a busy computer.
async fn connect_to(servers: &str) -> Client {
    Client::connector()
        .with_session_timeout(Duration::from_secs(50))
        .with_connection_timeout(Duration::from_secs(50))
        .connect(servers)
        .await
        .expect("the ensemble takes clients")
}

fn persistent() -> zookeeper_client::CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::anyone_all())
}

#[tokio::test]
async fn creates_reads_watches_and_lists() {
    let ensemble = Ensemble::start();
    let client = connect(&ensemble).await;
    let (created, _) = client.create("/app", b"one", &persistent()).await.expect("creates");
    let (data, stat, watcher) = client.get_and_watch_data("/app").await.expect("reads");
    assert_eq!((data.as_slice(), stat.version, stat.czxid), (&b"one"[..], 0, created.czxid));
    let written = client.set_data("/app", b"two", Some(0)).await.expect("writes");
    assert_eq!(written.version, 1);
    let event = watcher.changed().await;
    assert_eq!((event.event_type, event.path.as_str()), (EventType::NodeDataChanged, "/app"));
    assert!(client.set_data("/app", b"three", Some(0)).await.is_err(), "the version is old");

    let sequential = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
    for expected in 0..3 {
        let (_, sequence) = client.create("/app/n-", b"", &sequential).await.expect("creates");
        assert_eq!(sequence.into_i64(), expected);
    }
    let names = client.list_children("/app").await.expect("lists");
    assert_eq!(names.len(), 3);

    let other = connect(&ensemble).await;
    other.sync("/app").await.expect("syncs");
    assert_eq!(other.get_data("/app").await.expect("reads").0, b"two");
    other.delete("/app/n-0000000001", None).await.expect("deletes");
    assert!(other.delete("/app", None).await.is_err(), "it has children");
}

#[tokio::test]
async fn multi_is_all_or_nothing() {
    let ensemble = Ensemble::start();
    let client = connect(&ensemble).await;
    client.create("/m", b"", &persistent()).await.expect("creates");
    let mut good = client.new_multi_writer();
    good.add_create("/m/a", b"1", &persistent()).expect("is added");
    good.add_set_data("/m", b"set", None).expect("is added");
    good.commit().await.expect("all of it");
    let mut bad = client.new_multi_writer();
    bad.add_create("/m/b", b"1", &persistent()).expect("is added");
    bad.add_delete("/m/missing", None).expect("is added");
    assert!(bad.commit().await.is_err());
    assert_eq!(client.list_children("/m").await.expect("lists"), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ephemerals_survive_the_death_of_any_one_server() {
    let mut ensemble = Ensemble::start();
    let holder = connect(&ensemble).await;
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    holder.create("/lock", b"mine", &ephemeral).await.expect("creates");
    for (index, name) in ["zk-1", "zk-2", "zk-3"].into_iter().enumerate() {
        ensemble.live.kill(name).expect("it was running");
        let witness = connect(&ensemble).await;
        witness.sync("/").await.expect("a quorum is left");
        let (data, stat) = witness.get_data("/lock").await.expect("the ephemeral is there");
        assert_eq!(data, b"mine");
        assert_ne!(stat.ephemeral_owner, 0);
        let path = format!("/seen-{name}");
        witness.create(&path, b"", &persistent()).await.expect("writes go on");
        ensemble.live.restart(name).expect("it starts again");
        // The next one dies only when this one serves again: two of three are always there.
        let port = 2180 + index as u16;
        let address = ensemble.live.placed(name, port).expect("it was placed").to_string();
        drop(connect_to(&address).await);
    }
    let mut states = holder.state_watcher();
    while states.peek_state() != SessionState::SyncConnected {
        states.changed().await;
    }
    let witness = connect(&ensemble).await;
    let (_, watcher) = witness.check_and_watch_stat("/lock").await.expect("looks");
    drop(holder);
    assert_eq!(watcher.changed().await.event_type, EventType::NodeDeleted);
}
