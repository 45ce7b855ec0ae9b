//! `kafka-mechanisms`: what a scenario changes of a version of Kafka.

use std::collections::BTreeSet;

use broker::mechanism::{
    BrokerEpochCheck, ControllerFencing, FetchFencing, HighWatermarkNews, IsrExpand, IsrWrite,
    Mechanisms, Mutant, Truncation,
};
use serde::{Deserialize, Serialize};

use crate::script::ensemble::{named, word};
use crate::script::fields::{Fields, Value};
use crate::script::problems::Problems;

/// Mechanisms of brokers that a scenario sets itself, on top of those of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Overrides {
    /// See [`Truncation`].
    pub truncation: Option<Truncation>,
    /// See [`FetchFencing`].
    pub fetch_fencing: Option<FetchFencing>,
    /// See [`IsrExpand`].
    pub isr_expand: Option<IsrExpand>,
    /// See [`IsrWrite`].
    pub isr_write: Option<IsrWrite>,
    /// See [`BrokerEpochCheck`].
    pub broker_epoch: Option<BrokerEpochCheck>,
    /// See [`ControllerFencing`].
    pub controller_fencing: Option<ControllerFencing>,
    /// See [`HighWatermarkNews`].
    pub high_watermark_news: Option<HighWatermarkNews>,
    /// Planted defects.
    pub mutants: BTreeSet<Mutant>,
}

impl Overrides {
    /// These mechanisms with what is set here changed.
    pub fn on(&self, base: Mechanisms) -> Mechanisms {
        let mut mutants = base.mutants;
        mutants.extend(self.mutants.iter().copied());
        Mechanisms {
            truncation: self.truncation.unwrap_or(base.truncation),
            fetch_fencing: self.fetch_fencing.unwrap_or(base.fetch_fencing),
            isr_expand: self.isr_expand.unwrap_or(base.isr_expand),
            isr_write: self.isr_write.unwrap_or(base.isr_write),
            broker_epoch: self.broker_epoch.unwrap_or(base.broker_epoch),
            controller_fencing: self.controller_fencing.unwrap_or(base.controller_fencing),
            high_watermark_news: self.high_watermark_news.unwrap_or(base.high_watermark_news),
            mutants,
        }
    }
}

pub(super) fn read(value: Value<'_>, problems: &mut Problems) -> Option<Overrides> {
    let mut fields = Fields::at(value, "`kafka-mechanisms`", problems)?;
    let overrides = Overrides {
        truncation: word(&mut fields, "truncation", problems),
        fetch_fencing: word(&mut fields, "fetch-fencing", problems),
        isr_expand: word(&mut fields, "isr-expand", problems),
        isr_write: word(&mut fields, "isr-write", problems),
        broker_epoch: word(&mut fields, "broker-epoch", problems),
        controller_fencing: word(&mut fields, "controller-fencing", problems),
        high_watermark_news: word(&mut fields, "high-watermark-news", problems),
        mutants: {
            let names = fields.texts("mutants", problems);
            names.iter().filter_map(|name| named(name, "mutant", problems)).collect()
        },
    };
    fields.finish(problems);
    Some(overrides)
}
