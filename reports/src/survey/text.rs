//! A survey as text for people: what the cluster is, what is wrong with it, and where every setting comes from.

use crate::style::{Paint, Style, clean, counted, padded, seconds};
use crate::survey::{
    Broker, Exit, Finding, Island, Modelled, Road, Section, Setting, Severity, Survey, Unread,
    Valued,
};
use crate::text::{table, table_keeping_ends};

/// The whole survey, ending with a line's end. Without `all`, settings that nobody set are told only if they decide how
/// failures end.
pub fn render(survey: &Survey, all: bool, style: &Style) -> String {
    let only_file = Some(&survey.files).filter(|files| files.len() == 1).and_then(|f| f.first());
    let mut page = Page {
        style,
        folder: folder(&survey.files),
        only_file: only_file.cloned(),
        image: None,
        text: String::new(),
    };
    page.truth(survey);
    page.islands(&survey.islands);
    page.clusters(&survey.islands);
    page.brokers(&survey.brokers);
    page.roads(&survey.roads);
    page.doors(&survey.doors);
    page.exits(&survey.exits);
    page.not_staged(&survey.not_staged);
    page.findings(&survey.findings);
    for section in &survey.settings {
        page.section(section, all);
    }
    page.unread(&survey.unread);
    page.remarks(&survey.remarks);
    page.text
}

/// A text as it grows.
struct Page<'s> {
    style: &'s Style,
    /// Where all the files are: not said again in tables.
    folder: String,
    /// The file, if there is only one.
    only_file: Option<String>,
    /// The image, if the nodes of the section have one in common.
    image: Option<String>,
    text: String,
}

impl Page<'_> {
    fn heading(&mut self, title: &str, remark: &str) {
        let title = self.style.paint(Paint::Strong, title);
        let gap = if remark.is_empty() { "" } else { "  " };
        let remark = self.style.paint(Paint::Dim, remark);
        self.text.push_str(&format!("\n{title}{gap}{remark}\n"));
    }

    fn table(&mut self, columns: &[&str], rows: Vec<Vec<String>>) {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        let rows = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect());
        self.text.push_str(&table(columns, rows.collect(), self.style));
    }

    fn truth(&mut self, survey: &Survey) {
        let errors = survey.findings.iter().filter(|one| one.severity == Severity::Error).count();
        let (plain, paint) = match errors as u64 {
            0 => ("NO ERROR".to_owned(), Paint::Good),
            count => (counted(count, "ERROR", "ERRORS"), Paint::Bad),
        };
        let files = match survey.files.as_slice() {
            [only] => clean(only),
            several => {
                let folder = clean(&self.folder);
                let names: Vec<String> =
                    several.iter().map(|file| clean(&file[self.folder.len()..])).collect();
                let names = names.join(", ");
                if folder.is_empty() { names } else { format!("{folder}: {names}") }
            }
        };
        let set = self.style.wrapped(&format!("{plain}  "), &files);
        self.text.push_str(&set.replacen(&plain, &self.style.paint(paint, &plain), 1));
        let remark =
            format!("as {} s without failures went, with seed {}", survey.seconds, survey.seed);
        self.heading("The cluster as it will really be", &remark);
        for sentence in &survey.truth {
            self.text.push_str(&self.style.wrapped("  ", sentence));
        }
    }

    fn islands(&mut self, islands: &[Island]) {
        if islands.is_empty() {
            return;
        }
        self.heading("ZooKeeper", "servers that know of each other are one island");
        let rows = islands.iter().flat_map(|island| {
            island.servers.iter().map(|server| {
                vec![
                    island.number.to_string(),
                    server.name.clone(),
                    server.version.clone(),
                    server.myid.clone().unwrap_or_else(|| "-".to_owned()),
                    server.state.clone(),
                    server.clients_at.clone().unwrap_or_else(|| "nowhere".to_owned()),
                ]
            })
        });
        let columns = ["island", "server", "version", "myid", "state", "clients at"];
        self.table(&columns, rows.collect());
    }

    fn clusters(&mut self, islands: &[Island]) {
        let mut rows = Vec::new();
        for island in islands {
            for cluster in &island.clusters {
                for one in &cluster.registered {
                    let is_controller = cluster.controller == Some(one.id);
                    rows.push(vec![
                        island.number.to_string(),
                        cluster.chroot.clone(),
                        one.id.to_string(),
                        one.node.clone().unwrap_or_else(|| "somebody".to_owned()),
                        if is_controller { "yes" } else { "" }.to_owned(),
                        one.endpoints.join(", "),
                    ]);
                }
            }
        }
        if !rows.is_empty() {
            self.heading("Kafka, as ZooKeeper has it", "");
            let columns = ["island", "chroot", "id", "broker", "controller", "registered address"];
            self.table(&columns, rows);
        }
    }

    fn brokers(&mut self, brokers: &[Broker]) {
        if brokers.is_empty() {
            return;
        }
        self.heading("Brokers", "knows: whom the controller told it of, and it tells clients of");
        let rows = brokers.iter().map(|broker| {
            let dash = || "-".to_owned();
            let knows: Vec<String> = broker.knows.iter().map(ToString::to_string).collect();
            let nobody = if broker.state == "exited" { "-" } else { "nobody" };
            vec![
                broker.name.clone(),
                broker.version.clone(),
                broker.id.map_or_else(dash, |id| id.to_string()),
                broker.state.clone(),
                broker.session.clone().unwrap_or_else(dash),
                if broker.listens.is_empty() { dash() } else { broker.listens.join(" ") },
                if knows.is_empty() { nobody.to_owned() } else { knows.join(" ") },
            ]
        });
        let columns = ["broker", "version", "id", "state", "session with", "listens at", "knows"];
        self.table(&columns, rows.collect());
    }

    /// Roads that lead to whom they should are told in one line, the others one by one.
    fn roads(&mut self, roads: &[Road]) {
        if roads.is_empty() {
            return;
        }
        self.heading("Who finds whom", "at the addresses brokers tell each other");
        if roads.iter().all(|road| road.arrives) {
            let own = roads.iter().filter(|road| road.from == road.to);
            let all: Vec<String> =
                own.map(|road| format!("{} at {}", road.to, road.address)).collect();
            let found = match roads.iter().all(|road| road.from == road.to) {
                true => "every broker is alone in its cluster, and finds itself",
                false => "everybody finds everybody",
            };
            let text = format!("{found}: {}", all.join(", "));
            self.text.push_str(&self.style.wrapped("  ", &text));
            return;
        }
        let rows = roads.iter().map(|road| {
            let finds = match road.arrives {
                true => "finds it".to_owned(),
                false => format!("NOT FOUND: {}", road.finds),
            };
            let to = if road.from == road.to { "itself".to_owned() } else { road.to.clone() };
            vec![road.from.clone(), to, road.address.clone(), finds]
        });
        self.table(&["from", "to", "address", ""], rows.collect());
    }

    fn doors(&mut self, doors: &[Road]) {
        if doors.is_empty() {
            return;
        }
        self.heading("From your machine", "at the addresses brokers tell clients");
        let found = |broker: &str| doors.iter().any(|door| door.arrives && door.to == broker);
        // That the brokers' own names mean nothing outside matters only to whom no other way leads.
        let rows = doors.iter().filter(|door| door.arrives || !found(&door.to)).map(|door| {
            let finds = match door.arrives {
                true => "finds it".to_owned(),
                false => format!("NOT FOUND: {}", door.finds),
            };
            vec![door.to.clone(), door.address.clone(), finds]
        });
        self.table(&["broker", "address", ""], rows.collect());
    }

    /// Those with the same last words at the same time together.
    fn exits(&mut self, exits: &[Exit]) {
        if exits.is_empty() {
            return;
        }
        self.heading("Who exits, and why", "last words");
        let alike = |a: &Exit, b: &Exit| (a.at, a.code, &a.why) == (b.at, b.code, &b.why);
        for group in exits.chunk_by(alike) {
            let names: Vec<&str> = group.iter().map(|exit| exit.name.as_str()).collect();
            let verb = if names.len() == 1 { "exits" } else { "exit" };
            let (names, code, at) = (names.join(", "), group[0].code, seconds(group[0].at));
            self.text
                .push_str(&self.style.wrapped("  ", &format!("{names} {verb} {code} at {at}")));
            self.text.push_str(&self.style.wrapped("    ", &group[0].why));
        }
    }

    fn not_staged(&mut self, not_staged: &[String]) {
        if !not_staged.is_empty() {
            self.heading("Not on the stage", "");
        }
        for reason in not_staged {
            self.text.push_str(&self.style.wrapped("  ", reason));
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        self.heading("Findings", "");
        for finding in findings {
            let (word, paint) = match finding.severity {
                Severity::Error => ("error", Paint::Bad),
                Severity::Warning => ("warning", Paint::Unsure),
                Severity::Information => ("information", Paint::Dim),
            };
            let (word, rule) = (self.style.paint(paint, word), clean(&finding.rule));
            self.text.push_str(&format!("  {word} {rule} at {}\n", clean(&finding.at)));
            self.text.push_str(&self.style.wrapped("    ", &finding.what));
            if !finding.help.is_empty() {
                self.text.push_str(&self.style.wrapped("    help: ", &finding.help));
            }
        }
    }

    fn section(&mut self, section: &Section, all: bool) {
        let title = format!("Settings of {}", section.of);
        let mut nodes = section.nodes.join(", ");
        self.image = only_image(section);
        if let Some(image) = &self.image {
            nodes.push_str(&format!(", image {image}"));
        }
        self.heading(&title, &clean(&nodes));
        let (shown, rest): (Vec<&Setting>, Vec<&Setting>) =
            section.settings.iter().partition(|one| all || !one.is_usual || one.matters);
        let mut reasons: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for setting in shown {
            let modelled = modelled(setting, &mut reasons);
            rows.extend(self.rows(setting, section, modelled));
        }
        let rows = rows.into_iter().map(|[key, value, from, modelled]| {
            let key = broken(&clean(&key), '.', KEY_MAX);
            vec![key, broken(&clean(&value), ',', VALUE_MAX), clean(&from), modelled]
        });
        let rows = rows.collect();
        let columns = ["setting", "value", "from", "modelled"].map(str::to_owned).to_vec();
        self.text.push_str(&table_keeping_ends(columns, rows, self.style));
        for (index, reason) in reasons.into_iter().enumerate() {
            let first = padded(&format!("  [{}]", index + 1), 7);
            self.text.push_str(&self.style.wrapped(&first, reason));
        }
        if !rest.is_empty() {
            let without = rest.iter().filter(|one| one.modelled != Modelled::Fully).count();
            let count = counted(rest.len() as u64, "more setting", "more settings");
            let text = format!(
                "{count} at their defaults, {without} of them not or only partly modelled: --all shows \
                 them"
            );
            self.text.push_str(&self.style.wrapped("  ", &text));
        }
    }

    /// A setting's row; where nodes differ, a row for each value below it.
    fn rows(&self, setting: &Setting, section: &Section, modelled: String) -> Vec<[String; 4]> {
        let key = setting.key.clone();
        if let [only] = setting.values.as_slice()
            && only.nodes.len() == section.nodes.len()
        {
            return vec![[key, value(only), self.origins(&only.from), modelled]];
        }
        let mut rows = vec![[key, String::new(), String::new(), modelled]];
        rows.extend(setting.values.iter().map(|valued| {
            let nodes = format!("  {}", valued.nodes.join(", "));
            [nodes, value(valued), self.origins(&valued.from), String::new()]
        }));
        rows
    }

    /// `docker-compose.yml:12, 31, 50`: lines of one file together, each once.
    fn origins(&self, from: &[String]) -> String {
        if let Some(shared) = self.shared(from) {
            return shared;
        }
        let mut parts: Vec<String> = Vec::new();
        let mut place = String::new();
        for origin in from {
            let origin = self.short(origin);
            match origin.rsplit_once([':', ' ']) {
                Some((file, line)) if file == place && line.parse::<u32>().is_ok() => {
                    parts.push(line.to_owned());
                }
                split => {
                    place = split.map_or("", |(file, _)| file).to_owned();
                    if !parts.contains(&origin) {
                        parts.push(origin);
                    }
                }
            }
        }
        parts.join(", ")
    }

    /// `*/zoo.cfg:3`, of files of one name in folders of their own, each at the same line.
    fn shared(&self, from: &[String]) -> Option<String> {
        let split = |origin: &String| {
            let place = self.short(origin);
            place.rsplit_once('/').map(|(folder, place)| (folder.to_owned(), place.to_owned()))
        };
        let places: Vec<_> = from.iter().map(split).collect::<Option<_>>()?;
        let (folder, place) = places.first()?;
        let differ = places.iter().skip(1).all(|(other, _)| other != folder);
        let same = places.iter().all(|(_, other)| other == place);
        let is_file = place.rsplit_once(':').is_some_and(|(_, line)| line.parse::<u32>().is_ok());
        (places.len() > 1 && differ && same && is_file).then(|| format!("*/{place}"))
    }

    /// An origin as the table shows it: what all of its rows share is said above it, or once.
    fn short(&self, origin: &str) -> String {
        if origin.starts_with("default of ") {
            return "default".to_owned();
        }
        if let Some(image) = image(origin) {
            let same = self.image.as_deref() == Some(image);
            return if same { "image".to_owned() } else { format!("image {image}") };
        }
        match &self.only_file {
            Some(file) if origin.starts_with(file.as_str()) => {
                origin.replacen(file.as_str(), "line", 1).replacen(':', " ", 1)
            }
            _ => origin.strip_prefix(&self.folder).unwrap_or(origin).to_owned(),
        }
    }

    fn unread(&mut self, unread: &[Unread]) {
        if unread.is_empty() {
            return;
        }
        self.heading("Written and read by nobody", "");
        let alike =
            |a: &Unread, b: &Unread| (&a.name, &a.value, &a.why) == (&b.name, &b.value, &b.why);
        let mut groups: Vec<Vec<&Unread>> = Vec::new();
        for one in unread {
            match groups.iter_mut().find(|group| alike(group[0], one)) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        let rows = groups.iter().map(|group| {
            let Unread { name, value, why, .. } = group[0];
            let value = if value.is_empty() { "…" } else { value };
            let mut nodes: Vec<&str> = group.iter().map(|one| one.node.as_str()).collect();
            nodes.dedup();
            let nodes = if nodes == [""] { "-".to_owned() } else { nodes.join(", ") };
            let places: Vec<String> = group.iter().map(|one| one.at.clone()).collect();
            vec![nodes, format!("{name}={value}"), self.origins(&places), why.clone()]
        });
        let rows = rows.collect();
        self.table(&["for", "written", "at", "why it changes nothing"], rows);
    }

    fn remarks(&mut self, remarks: &[String]) {
        if remarks.is_empty() {
            return;
        }
        self.heading("Remarks", "");
        for remark in remarks {
            self.text.push_str(&self.style.wrapped("  - ", remark));
        }
    }
}

/// `yes`, `partly [1]`: with the number of the reason, among those that were given before or as a new one.
fn modelled<'s>(setting: &'s Setting, reasons: &mut Vec<&'s str>) -> String {
    let word = match setting.modelled {
        Modelled::Fully => return "yes".to_owned(),
        Modelled::Partly => "partly",
        Modelled::Not => "no",
        Modelled::Ignored => "ignored",
    };
    let known = reasons.iter().position(|reason| *reason == setting.missing);
    let index = known.unwrap_or_else(|| {
        reasons.push(&setting.missing);
        reasons.len() - 1
    });
    format!("{word} [{}]", index + 1)
}

/// A value as a cell shows it.
fn value(valued: &Valued) -> String {
    match valued.value.as_deref() {
        None => "-".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(value) => value.to_owned(),
    }
}

/// Longer keys are broken after one of their dots.
const KEY_MAX: usize = 36;
/// Longer lists are broken after their commas.
const VALUE_MAX: usize = 22;

/// `text` in lines of at most `max` characters, broken behind `mark` as far as that goes; later lines are indented.
fn broken(text: &str, mark: char, max: usize) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for part in text.split_inclusive(mark) {
        let part_length = part.chars().count();
        if length > 0 && length + part_length > max {
            lines.push_str("\n  ");
            length = 2;
        }
        lines.push_str(part);
        length += part_length;
    }
    lines
}

/// `wurstmeister/kafka:2.12-2.5.0`, of an origin that is an image.
fn image(origin: &str) -> Option<&str> {
    let image = origin.strip_prefix("set by the image ")?;
    Some(image.split_once(',').map_or(image, |(image, _)| image))
}

/// The image of a section's nodes, if there is just one.
fn only_image(section: &Section) -> Option<String> {
    let values = section.settings.iter().flat_map(|setting| &setting.values);
    let mut images = values.flat_map(|valued| &valued.from).filter_map(|from| image(from));
    let first = images.next()?;
    images.all(|image| image == first).then(|| first.to_owned())
}

/// The folder that all files are in, with its slash; empty if there is none.
fn folder(files: &[String]) -> String {
    let folder = |file: &String| file.rfind('/').map_or(0, |slash| slash + 1);
    let Some(first) = files.first() else { return String::new() };
    let mut shared = &first[..folder(first)];
    while !files.iter().all(|file| file.starts_with(shared)) {
        let shorter = shared.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
        shared = &shared[..shorter];
    }
    shared.to_owned()
}
