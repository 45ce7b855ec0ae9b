//! The shapes of all messages that are spoken, up to the highest version of Kafka 2.5 (the JSON files of
//! `clients/src/main/resources/common/message`), as far as their lengths go.

use super::super::Api;
use super::{Direction, Field, Kind, Row};

/// The shape of a message.
pub(super) const fn of(direction: Direction, api: Api) -> &'static Row {
    match direction {
        Direction::Request => request(api),
        Direction::Response => response(api),
    }
}

const I8: Field = field(Kind::Fixed(1));
const I16: Field = field(Kind::Fixed(2));
const I32: Field = field(Kind::Fixed(4));
const I64: Field = field(Kind::Fixed(8));
const TEXT: Field = field(Kind::Text);
const BLOB: Field = field(Kind::Blob);
const I32S: Field = field(Kind::Numbers(4));
const I64S: Field = field(Kind::Numbers(8));
const TEXTS: Field = field(Kind::Texts);

const fn field(kind: Kind) -> Field {
    Field { since: 0, until: i16::MAX, kind }
}

impl Field {
    const fn since(self, since: i16) -> Self {
        Self { since, ..self }
    }

    const fn until(self, until: i16) -> Self {
        Self { until, ..self }
    }
}

/// A structure with these fields.
macro_rules! row {
    ($($field:expr),* $(,)?) => { const { Row { fields: &[$($field),*], tags: &[] } } };
}

/// An array of structures with these fields.
macro_rules! rows {
    ($($field:expr),* $(,)?) => { field(Kind::Rows(&row!($($field),*))) };
}

const fn request(api: Api) -> &'static Row {
    match api {
        Api::Produce => &row![TEXT.since(3), I16, I32, rows![TEXT, rows![I32, BLOB]]],
        Api::Fetch => &row![
            I32,
            I32,
            I32,
            I32.since(3),
            I8.since(4),
            I32.since(7),
            I32.since(7),
            rows![TEXT, rows![I32, I32.since(9), I64, I64.since(5), I32]],
            rows![TEXT, I32S].since(7),
            TEXT.since(11),
        ],
        Api::ListOffsets => {
            &row![I32, I8.since(2), rows![TEXT, rows![I32, I32.since(4), I64, I32.until(0)]],]
        }
        Api::Metadata => &row![rows![TEXT], I8.since(4), I8.since(8), I8.since(8)],
        Api::LeaderAndIsr => &row![
            I32,
            I32,
            I64.since(2),
            LEADER_AND_ISR_PARTITIONS.until(1),
            rows![TEXT, LEADER_AND_ISR_PARTITIONS].since(2),
            rows![I32, TEXT, I32],
        ],
        Api::StopReplica => {
            &row![I32, I32, I64.since(1), I8, rows![TEXT, I32].until(0), rows![TEXT, I32S].since(1),]
        }
        Api::UpdateMetadata => &row![
            I32,
            I32,
            I64.since(5),
            UPDATE_METADATA_PARTITIONS.until(4),
            rows![TEXT, UPDATE_METADATA_PARTITIONS].since(5),
            rows![
                I32,
                TEXT.until(0),
                I32.until(0),
                rows![I32, TEXT, TEXT.since(3), I16].since(1),
                TEXT.since(2),
            ],
        ],
        Api::ControlledShutdown => &row![I32, I64.since(2)],
        Api::ApiVersions => &row![TEXT.since(3), TEXT.since(3)],
        Api::CreateTopics => {
            &row![rows![TEXT, I32, I16, rows![I32, I32S], rows![TEXT, TEXT]], I32, I8.since(1),]
        }
        Api::DeleteTopics => &row![TEXTS, I32],
        Api::OffsetForLeaderEpoch => {
            &row![I32.since(3), rows![TEXT, rows![I32, I32.since(2), I32]],]
        }
        Api::DescribeConfigs => &row![rows![I8, TEXT, TEXTS], I8.since(1)],
        Api::AlterConfigs => &row![rows![I8, TEXT, rows![TEXT, TEXT]], I8],
        Api::CreatePartitions => &row![rows![TEXT, I32, rows![I32S]], I32, I8],
        Api::ElectLeaders => &row![I8.since(1), rows![TEXT, I32S], I32],
    }
}

/// In LeaderAndIsrRequest. Topics have their partitions below them since version 2.
const LEADER_AND_ISR_PARTITIONS: Field = rows![
    TEXT.until(1),
    I32,
    I32,
    I32,
    I32,
    I32S,
    I32,
    I32S,
    I32S.since(3),
    I32S.since(3),
    I8.since(1),
];

/// In UpdateMetadataRequest. Topics have their partitions below them since version 5.
const UPDATE_METADATA_PARTITIONS: Field =
    rows![TEXT.until(4), I32, I32, I32, I32, I32S, I32, I32S, I32S.since(4)];

const fn response(api: Api) -> &'static Row {
    match api {
        Api::Produce => &row![
            rows![
                TEXT,
                rows![
                    I32,
                    I16,
                    I64,
                    I64.since(2),
                    I64.since(5),
                    rows![I32, TEXT].since(8),
                    TEXT.since(8),
                ],
            ],
            I32.since(1),
        ],
        Api::Fetch => &row![
            I32.since(1),
            I16.since(7),
            I32.since(7),
            rows![
                TEXT,
                rows![
                    I32,
                    I16,
                    I64,
                    I64.since(4),
                    I64.since(5),
                    rows![I64, I64].since(4),
                    I32.since(11),
                    BLOB,
                ],
            ],
        ],
        Api::ListOffsets => &row![
            I32.since(2),
            rows![TEXT, rows![I32, I16, I64S.until(0), I64.since(1), I64.since(1), I32.since(4)],],
        ],
        Api::Metadata => &METADATA_RESPONSE,
        Api::LeaderAndIsr | Api::StopReplica => &row![I16, rows![TEXT, I32, I16]],
        Api::UpdateMetadata => &row![I16],
        Api::ControlledShutdown => &row![I16, rows![TEXT, I32]],
        Api::ApiVersions => &API_VERSIONS_RESPONSE,
        Api::CreateTopics => &row![I32.since(2), field(Kind::Rows(&CREATED_TOPIC)),],
        Api::DeleteTopics => &row![I32.since(1), rows![TEXT, I16]],
        Api::OffsetForLeaderEpoch => {
            &row![I32.since(2), rows![TEXT, rows![I16, I32, I32.since(1), I64]],]
        }
        Api::DescribeConfigs => &row![
            I32,
            rows![
                I16,
                TEXT,
                I8,
                TEXT,
                rows![
                    TEXT,
                    TEXT,
                    I8,
                    I8, // is_default in version 0, config_source since version 1
                    I8,
                    rows![TEXT, TEXT, I8].since(1),
                ],
            ],
        ],
        Api::AlterConfigs => &row![I32, rows![I16, TEXT, I8, TEXT]],
        Api::CreatePartitions => &row![I32, rows![TEXT, I16, TEXT]],
        Api::ElectLeaders => &row![I32, I16.since(1), rows![TEXT, rows![I32, I16, TEXT]],],
    }
}

const METADATA_RESPONSE: Row = row![
    I32.since(3),
    rows![I32, TEXT, I32, TEXT.since(1)],
    TEXT.since(2),
    I32.since(1),
    rows![
        I16,
        TEXT,
        I8.since(1),
        rows![I16, I32, I32, I32.since(7), I32S, I32S, I32S.since(5)],
        I32.since(8),
    ],
    I32.since(8),
];

/// The feature tags came after 2.5; the decoder knows them.
const API_VERSIONS_RESPONSE: Row = Row {
    fields: &[I16, rows![I16, I16, I16], I32.since(1)],
    tags: &[
        (0, rows![TEXT, I16, I16].kind),
        (1, Kind::Fixed(8)),
        (2, rows![TEXT, I16, I16].kind),
        (3, Kind::Fixed(1)),
    ],
};

/// In CreateTopicsResponse.
const CREATED_TOPIC: Row = Row {
    fields: &[
        TEXT,
        I16,
        TEXT.since(1),
        I32.since(5),
        I16.since(5),
        rows![TEXT, TEXT, I8, I8, I8].since(5),
    ],
    tags: &[(0, Kind::Fixed(2))],
};
