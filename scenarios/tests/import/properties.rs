//! Java properties: the forms `java.util.Properties.load` takes, and where each entry stands.

use insta::assert_snapshot;
use proptest::prelude::*;
use scenarios::import::properties::parse;

fn read(text: &str) -> String {
    let line = |entry: &scenarios::import::properties::Entry| {
        let place = &text[entry.span.clone()];
        format!("{}: {:?} = {:?}  from {place:?}", entry.line, entry.key, entry.value)
    };
    parse(text).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn separators_comments_continuations_and_escapes() {
    let text = "# a comment\n! another\n\nclientPort=2181\n  dataDir = /data \nsyncLimit:5\n\
                initLimit 10\nserver.1=zk-1:2888:3888\r\nlong=one,\\\n    two,\\\n# three\n\
                key\\ with\\=signs=\\u00e9\\t\\\\ \\ud83d\\ude00\nbroken=\\uXYZ\nempty\nlast=\\";
    assert_snapshot!(read(text), @r#"
    4: "clientPort" = "2181"  from "clientPort=2181"
    5: "dataDir" = "/data "  from "dataDir = /data "
    6: "syncLimit" = "5"  from "syncLimit:5"
    7: "initLimit" = "10"  from "initLimit 10"
    8: "server.1" = "zk-1:2888:3888"  from "server.1=zk-1:2888:3888"
    9: "long" = "one,two,# three"  from "long=one,\\\n    two,\\\n# three"
    12: "key with=signs" = "é\t\\ 😀"  from "key\\ with\\=signs=\\u00e9\\t\\\\ \\ud83d\\ude00"
    13: "broken" = "uXYZ"  from "broken=\\uXYZ"
    14: "empty" = ""  from "empty"
    15: "last" = ""  from "last=\\"
    "#);
}

proptest! {
    /// Anything can be read, and no more comes out than went in.
    #[test]
    fn any_text_is_read(text in "[\\PC\\n\\r\\\\:= #u0d8\\t]{0,200}") {
        let entries = parse(&text);
        let size: usize = entries.iter().map(|entry| entry.key.len() + entry.value.len()).sum();
        prop_assert!(size <= 3 * text.len());
        for entry in entries {
            prop_assert!(text.get(entry.span).is_some());
        }
    }

    /// Plain settings come back as they were written.
    #[test]
    fn plain_settings_come_back(key in "[a-zA-Z.0-9]{1,20}", value in "[a-zA-Z0-9:;/=.-]{0,30}") {
        let entries = parse(&format!("{key}={value}\n"));
        prop_assert_eq!(entries.len(), 1);
        prop_assert_eq!(&entries[0].key, &key);
        prop_assert_eq!(&entries[0].value, &value);
    }
}
