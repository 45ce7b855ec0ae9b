//! Requests, decisions, answers of ZooKeeper and disks in any order: every request is answered once, and what a leader has
//! committed stays committed.

use broker::id::{BrokerId, ControllerEpoch, LeaderEpoch};
use broker::mechanism::Preset;
use broker::zk::ZkError;
use broker::zk::znode::State;
use bytes::Bytes;
use coordinator::code;
use coordinator::wire::client::{Response as ZkResponse, Stat};
use machine::Duration;
use proptest::prelude::*;

use crate::control::stop;
use crate::producing::{decide, fetch, produce};
use crate::stand::Stand;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    Produce { partition: i32, acks: i16 },
    Fetch { replica: i32, partition: i32, behind: i64, epoch: i32, session: u8 },
    Decision { partition: i32, leader: i32, isr: u8 },
    Stop { partition: i32, delete: bool },
    ZooKeeper(u8),
    Disk { blocks: bool },
    Time { millis: u64 },
    Jump,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..2, -2_i16..2).prop_map(|(partition, acks)| Happens::Produce { partition, acks }),
        8 => (-1..4, 0..3, 0_i64..3, -1..3, 0_u8..4).prop_map(
            |(replica, partition, behind, epoch, session)| Happens::Fetch {
                replica, partition, behind, epoch, session
            }
        ),
        3 => (0..2, 1..3, 0_u8..4)
            .prop_map(|(partition, leader, isr)| Happens::Decision { partition, leader, isr }),
        1 => (0..2, any::<bool>())
            .prop_map(|(partition, delete)| Happens::Stop { partition, delete }),
        3 => (0_u8..4).prop_map(Happens::ZooKeeper),
        1 => any::<bool>().prop_map(|blocks| Happens::Disk { blocks }),
        4 => (1_u64..20_000).prop_map(|millis| Happens::Time { millis }),
        1 => Just(Happens::Jump),
    ]
}

/// Which broker this is, and what the test remembers of what it did.
struct Play {
    stand: Stand,
    epochs: [i32; 2],
    session_epoch: i32,
}

impl Play {
    fn end(&self, partition: i32) -> i64 {
        let views = self.stand.replicas.view();
        let view = views.iter().find(|view| view.partition.partition == partition);
        view.map_or(0, |view| view.log_end.0)
    }

    fn play(&mut self, one: &Happens) {
        match *one {
            Happens::Produce { partition, acks } => {
                self.stand.ask(produce("orders", partition, acks, 2), 7);
            }
            Happens::Fetch { replica, partition, behind, epoch, session } => {
                let from = self.end(partition) - behind;
                let index = usize::try_from(partition).unwrap_or(0).min(1);
                let epoch = if epoch < 0 { -1 } else { self.epochs[index] - epoch.min(1) };
                let id = self.stand.last_session();
                let session = match session {
                    0 => (0, -1),
                    1 => (id, 0),
                    2 => (id, self.session_epoch),
                    _ => (0, 0),
                };
                self.session_epoch = if session.1 > 0 { session.1 + 1 } else { 1 };
                self.stand.ask(fetch(replica, session, "orders", &[(partition, from, epoch)]), 11);
            }
            Happens::Decision { partition, leader, isr } => {
                let epoch = &mut self.epochs[usize::try_from(partition).unwrap_or(0)];
                *epoch += 1;
                let isr = [&[1][..], &[1, 2], &[1, 2, 3], &[2, 1]][usize::from(isr)];
                self.stand.ask(decide("orders", partition, leader, *epoch, isr), 4);
            }
            Happens::Stop { partition, delete } => {
                self.stand.ask(stop("orders", partition, delete), 1);
            }
            Happens::ZooKeeper(answer) => self.zookeeper(answer),
            Happens::Disk { blocks } => drop(self.stand.block_disk(blocks)),
            Happens::Time { millis } => drop(self.stand.advance(Duration::from_millis(millis))),
            Happens::Jump => drop(self.stand.jump(Duration::from_secs(40))),
        }
    }

    fn zookeeper(&mut self, answer: u8) {
        let stat = Stat { version: 7, ..Stat::default() };
        let state = State {
            controller_epoch: ControllerEpoch(1),
            leader: BrokerId(1),
            epoch: LeaderEpoch(self.epochs[0]),
            isr: vec![BrokerId(1)],
        };
        let data = Some(Bytes::from(state.to_json()));
        self.stand.zk_says_to_all(&match answer {
            0 => Ok(ZkResponse::Stat(stat)),
            1 => Err(ZkError::Refused(code::BAD_VERSION)),
            2 => Ok(ZkResponse::Data { data, stat }),
            _ => Err(ZkError::SessionExpired),
        });
    }
}

proptest! {
    #[test]
    fn every_request_is_answered_once_whatever_happens(
        preset in prop_oneof![Just(Preset::Fixed), Just(Preset::V2_5), Just(Preset::V2_3)],
        story in prop::collection::vec(happens(), 1..80),
    ) {
        let mut stand = Stand::new(preset, |_| {});
        stand.knows("orders", 0).knows("orders", 1);
        let mut play = Play { stand, epochs: [-1, -1], session_epoch: 1 };
        for partition in 0..2 {
            play.play(&Happens::Decision { partition, leader: 1, isr: 2 });
        }
        for one in &story {
            let before = play.stand.replicas.view();
            play.play(one);
            for view in play.stand.replicas.view() {
                prop_assert!(view.high_watermark <= view.log_end, "{view:?}");
                let was = before.iter().find(|was| was.partition == view.partition);
                if let Some(was) = was.filter(|was| (was.epoch, was.leader) == (view.epoch, view.leader))
                    && view.leader == BrokerId(1)
                {
                    prop_assert!(was.high_watermark <= view.high_watermark, "{was:?} {view:?}");
                }
            }
        }
        // In the end everything goes on: nobody is left without an answer.
        play.stand.block_disk(false);
        for _ in 0..100 {
            play.stand.zk_says_to_all(&Err(ZkError::SessionExpired));
            play.stand.advance(Duration::from_millis(400));
        }
        prop_assert_eq!(play.stand.unanswered(), Vec::<u64>::new());
    }
}
