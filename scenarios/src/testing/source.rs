//! What a scenario is played on: its own cluster, somebody's files, or a cluster made elsewhere; and what errors in files
//! mean for a run.

use std::path::{Path, PathBuf};

use reports::run::{Run, Verdict, Violation};

use super::Unplayable;
use crate::cluster::{Cluster, Severity};
use crate::import;
use crate::script::Script;
use crate::script::ensemble::Source;

/// What a scenario is played on.
#[derive(Clone, Debug, Default)]
pub enum On {
    /// The cluster it describes, or the files it names (relative to the scenario's own).
    #[default]
    Own,
    /// Files to import a cluster from: one `docker-compose.yml`, or one `zoo.cfg` per server.
    Files(Vec<PathBuf>),
    /// This cluster.
    Cluster(Box<Cluster>),
}

impl From<Cluster> for On {
    fn from(cluster: Cluster) -> Self {
        Self::Cluster(Box::new(cluster))
    }
}

impl From<&Cluster> for On {
    fn from(cluster: &Cluster) -> Self {
        cluster.clone().into()
    }
}

impl From<&str> for On {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl From<&Path> for On {
    fn from(path: &Path) -> Self {
        path.to_path_buf().into()
    }
}

impl From<PathBuf> for On {
    fn from(path: PathBuf) -> Self {
        Self::Files(vec![path])
    }
}

impl<P: Into<PathBuf>, const N: usize> From<[P; N]> for On {
    fn from(paths: [P; N]) -> Self {
        Self::Files(paths.map(Into::into).into())
    }
}

impl<P: Into<PathBuf>> From<Vec<P>> for On {
    fn from(paths: Vec<P>) -> Self {
        Self::Files(paths.into_iter().map(Into::into).collect())
    }
}

impl On {
    /// The cluster, with what the scenario changes in it. `file` is the scenario's own.
    pub(super) fn stage(
        &self,
        script: &Script,
        file: Option<&Path>,
    ) -> Result<Cluster, Unplayable> {
        let imported = match (self, &script.ensemble.source) {
            (Self::Cluster(cluster), _) => Some((**cluster).clone()),
            (Self::Files(files), _) => Some(import::cluster(files)?),
            (Self::Own, Source::Inline { .. }) => None,
            (Self::Own, Source::Files(files)) => {
                let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
                let files: Vec<_> = files.iter().map(|file| folder.join(&file.value)).collect();
                Some(import::cluster(&files)?)
            }
        };
        script.cluster(imported).ok_or_else(|| Unplayable::Words {
            what: format!("`{}` names no files to take its cluster from", script.file),
            help: "write `from = [\"docker-compose.yml\"]`, or use `Scenario::on`".to_owned(),
        })
    }
}

/// Puts the errors of the cluster's files before everything else that was broken: a run on them cannot pass.
pub fn convict(run: &mut Run, cluster: &Cluster) {
    let errors = cluster.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let broken = errors.map(|finding| Violation {
        check: finding.rule.to_owned(),
        property: "The cluster's files describe a cluster that works.".to_owned(),
        at: 0,
        message: format!("{} ({})", finding.what, finding.at),
        trail: Vec::new(),
    });
    run.violations.splice(0..0, broken);
    if !run.violations.is_empty() {
        run.verdict = Verdict::Fail;
    }
}
